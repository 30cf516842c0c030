"""How one wants to be told."""

from collections import defaultdict
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.notify.models import Digest
from holdfast.core.notify.schemas import Hour, PreferencesIn, PreferencesOut, Quiet
from holdfast.core.notify.service import preferences
from holdfast.kernel.errors import Invalid
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, FormErrors, form_errors, read_form, read_pairs
from holdfast.kernel.schemas import Inward
from holdfast.kernel.work import Work

router = Routes()
PAGE = "/console/account/notifications"
LABELS = {"quiet_from": "The beginning", "quiet_until": "The end", "digest_hour": "The hour"}


class PreferencesForm(Inward):
    """What the form sends: `wanted` holds `message:channel` for each box that is ticked."""

    version: Annotated[int, Field(ge=0)] = 0
    digest: Digest = Digest.OFF
    digest_hour: Hour = 8
    quiet_from: Quiet = None
    quiet_until: Quiet = None
    wanted: Annotated[list[str], Field(max_length=1000)] = Field(default_factory=list)


@router.get(verb=preferences.read_preferences)
async def show_preferences(request: Request, work: WorkDep) -> Response:
    """Show how one is told."""
    chosen = await preferences.read_preferences(work)
    ticked = {f"{each.name}:{channel}" for each in chosen.messages for channel in each.channels}
    return _page(request, work, Form.of(chosen), chosen, ticked)


@router.post(verb=preferences.choose_preferences, form=True)
async def choose_preferences_by_form(request: Request, work: WorkDep) -> Response:
    """Set how one is told."""
    chosen = await preferences.read_preferences(work)
    form = await read_form(request, PreferencesForm, labels=LABELS)
    ticked = {value for name, value in await read_pairs(request) if name == "wanted"}
    if isinstance(form, FormErrors):
        return _page(request, work, form, chosen, ticked, status=422)
    wanted = defaultdict(list)
    for each in form.wanted:
        name, _, channel = each.partition(":")
        wanted[name].append(channel)
    messages = {each.name: wanted[each.name] for each in chosen.messages if not each.fixed}
    given = form.model_dump(exclude={"version", "wanted"})
    try:
        await preferences.choose_preferences(
            work, PreferencesIn.model_validate({**given, "messages": messages}), expected=form.version
        )
    except Invalid as error:
        await work.reset()
        wrong = await form_errors(request, error, PreferencesForm, labels=LABELS)
        return _page(request, work, wrong, chosen, ticked, status=422)
    return redirect(request, PAGE, flash="Saved.")


def _page(
    request: Request, work: Work, form: Form, chosen: PreferencesOut, ticked: set[str], *, status: int = 200
) -> Response:
    """Return the form as it is chosen, or as it was sent where something in it is wrong."""
    return render(request, "notify/preferences.html", status=status, work=work, form=form, chosen=chosen, ticked=ticked)
