"""The trail."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, get_args

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.audit.queries import EntryList
from holdfast.core.audit.schemas import Category, NamedEntry, Outcome, Severity
from holdfast.core.audit.service import naming, reading
from holdfast.kernel.errors import Invalid
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import Form, read_filters
from holdfast.kernel.work import Work

router = Routes()
LABELS = {
    "entity_id": "Record",
    "recorded_from": "Since",
    "recorded_to": "Before",
    "ip": "IP address",
    "q": "The search",
}
CHOICES = {"category": get_args(Category), "severity": get_args(Severity), "outcome": get_args(Outcome)}
NO_PAGE: Mapping[str, object] = {"page": None, "page_size": 0, "total": 0, "next_cursor": None}


class TrailFilters(EntryList):
    """The filters as a person gives them: who acted by name or e-mail too."""

    actor: Annotated[str | None, Field(max_length=254)] = None


@router.get(verb=reading.browse_entries)
async def show_trail(request: Request, work: WorkDep) -> Response:
    """Show the trail, newest first."""
    filters = read_filters(request, TrailFilters, labels=LABELS)
    if isinstance(filters, Form):
        return _page(request, work, filters)
    shown = filters.model_dump(mode="json", exclude={"sort", "page", "page_size", "cursor", "count", "actor_id"})
    form = Form.of({name: value for name, value in shown.items() if value is not None})
    chosen = filters.model_dump(exclude_unset=True, exclude={"actor"})
    meant = filters.actor or (str(filters.actor_id) if filters.actor_id else None)
    if meant:
        try:
            chosen["actor_id"], address = await naming.find_actor(work, meant)
        except Invalid as error:
            if filters.actor:
                return _page(request, work, replace(form, faults={"actor": error.detail}))
            address = meant  # of another time or nobody: the entries alone know the id
        form = replace(form, values={**form.values, "actor": filters.actor or address})
    entries, meta = await reading.browse_entries(work, EntryList(**chosen))
    return _page(request, work, form, await naming.named(work, entries), meta)


def _page(
    request: Request,
    work: Work,
    form: Form,
    entries: Sequence[NamedEntry] = (),
    meta: Mapping[str, object] = NO_PAGE,
) -> Response:
    return render(
        request,
        "audit/entries.html",
        status=422 if form.wrong else 200,
        work=work,
        entries=entries,
        meta=meta,
        form=form,
        choices=CHOICES,
    )
