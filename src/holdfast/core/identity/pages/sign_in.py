"""The sign-in page."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.pages.second_factor import show_second_factor
from holdfast.core.identity.schemas import PasswordText, Slug
from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.challenges import Waiting
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.devices import cookie_name
from holdfast.core.identity.service.opening import cookies_of
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import local_path, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form
from holdfast.kernel.schemas import Inward, OneLine
from holdfast.kernel.work import Gate

router = Routes()
LABELS = {"name": "E-mail or user name", "password": "Password", "organization": "Organisation"}


def _small(text: object) -> object:
    """Take an organisation's handle in capitals too: people read it as a name."""
    return text.lower() if isinstance(text, str) else text


class SignInForm(Inward):
    """What the sign-in page sends."""

    name: Annotated[OneLine, Field(min_length=1, max_length=254)]
    password: PasswordText
    organization: Annotated[Slug | None, BeforeValidator(_small)] = None
    next: Annotated[str, Field(max_length=2000)] = "/console"


@router.get(verb=sign_in.sign_in)
async def show_sign_in(request: Request, gate: GateDep) -> Response:
    """Show the sign-in page."""
    return _page(request, gate, Form(), target=request.query_params.get("next"))


@router.post(verb=sign_in.sign_in, form=True)
async def sign_in_by_form(request: Request, gate: GateDep) -> Response:
    """Sign in and go to where the person wanted to be."""
    check_origin(request, gate.settings.public_url)
    form = await read_form(request, SignInForm, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, gate, form, status=422)
    try:
        opened = await sign_in.sign_in(
            gate,
            name=form.name,
            password=form.password.get_secret_value(),
            organization=form.organization,
            kind=SessionKind.COOKIE,
            device=request.cookies.get(cookie_name(desk_of(gate.works).cookie)),
        )
    except HoldfastError as error:
        if error.status not in {401, 429}:
            raise
        shown = await form_errors(request, error, SignInForm, labels=LABELS)
        return _page(request, gate, shown, status=error.status)
    if isinstance(opened, Waiting):
        return show_second_factor(request, opened, target=local_path(form.next))
    response = redirect(request, local_path(form.next))
    for cookie in cookies_of(opened, desk_of(gate.works)):
        response.headers.append("Set-Cookie", cookie)
    return response


def _page(request: Request, gate: Gate, form: Form, *, target: str | None = None, status: int = 200) -> Response:
    demo = [{"label": who, "name": name, "password": password} for who, name, password in desk_of(gate.works).demo]
    return render(
        request,
        "identity/sign_in.html",
        status=status,
        form=form,
        ask_organization=False,
        next=local_path(target or form.value("next")),
        demo=demo,
    )
