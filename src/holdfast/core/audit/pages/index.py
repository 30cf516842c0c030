"""The trail."""

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.audit.queries import EntryList
from holdfast.core.audit.schemas import Category, Outcome, Severity
from holdfast.core.audit.service import naming, reading
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=reading.browse_entries)
async def show_trail(request: Request, work: WorkDep) -> Response:
    """Show the trail, newest first."""
    params = read_query(request, EntryList)
    entries, meta = await reading.browse_entries(work, params)
    filters = params.model_dump(mode="json", exclude={"sort", "page", "page_size", "cursor", "count"})
    choices = {"category": get_args(Category), "severity": get_args(Severity), "outcome": get_args(Outcome)}
    shown = await naming.named(work, entries)
    return render(request, "audit/entries.html", work=work, entries=shown, meta=meta, filters=filters, choices=choices)
