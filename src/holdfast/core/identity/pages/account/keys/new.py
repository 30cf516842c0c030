"""Making an API key."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import ApiKeyCreate
from holdfast.core.identity.schemas.keys import Networks, Scopes
from holdfast.core.identity.service import api_keys
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import Form, FormErrors, form_errors, read_form
from holdfast.kernel.schemas import Inward, OneLine
from holdfast.kernel.work import Work

router = Routes()
LABELS = {"label": "The name", "days": "The time", "scopes": "The list of permissions", "networks": "The networks"}


def _words(text: object) -> object:
    """Take a text area as the list that it stands for; the reader of forms gives lists as they were sent."""
    if isinstance(text, list):
        text = "\n".join(str(each) for each in text)
    return (text.split() or None) if isinstance(text, str) else text


class KeyForm(Inward):
    """What the form for a new key sends."""

    label: Annotated[OneLine, Field(min_length=1, max_length=120)]
    days: Annotated[int, Field(ge=1, le=365)]
    scopes: Annotated[Scopes | None, BeforeValidator(_words)] = None
    networks: Annotated[Networks | None, BeforeValidator(_words)] = None


@router.get(verb=api_keys.create_key)
async def show_new_key(request: Request, work: WorkDep) -> Response:
    """Show the form."""
    return _page(request, work, Form.of(days=90))


@router.post(verb=api_keys.create_key, prepare=take_turn, form=True)
async def create_key_by_form(request: Request, work: WorkDep) -> Response:
    """Make the key and show it, this once."""
    form = await read_form(request, KeyForm, labels=LABELS)
    if isinstance(form, FormErrors):
        return _page(request, work, form, status=422)
    fields = ApiKeyCreate(
        label=form.label,
        expires_at=work.now() + timedelta(days=form.days),
        scopes=form.scopes,
        networks=form.networks,
    )
    try:
        issued = await api_keys.create_key(work, **fields.given())  # type: ignore[arg-type]
    except HoldfastError as error:
        if error.status != 422:
            raise
        faults = await form_errors(request, error, KeyForm, labels=LABELS)
        return _page(request, work, faults, status=422)
    return render(request, "identity/account_key.html", work=work, key=issued.text, label=form.label)


def _page(request: Request, work: Work, form: Form, *, status: int = 200) -> Response:
    return render(
        request,
        "identity/account_key_new.html",
        status=status,
        work=work,
        form=form,
        held=sorted(work.actor.permissions | frozenset(work.actor.within)),
    )
