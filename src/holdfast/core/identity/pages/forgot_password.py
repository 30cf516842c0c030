"""The page for a forgotten password."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import Slug
from holdfast.core.identity.service import password_reset
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form
from holdfast.kernel.schemas import Inward, OneLine

router = Routes()
LABELS = {"email": "E-mail", "organization": "Organisation"}
SENT = "If there is such an account, a link is on its way to its address. It is good for thirty minutes."


class ForgottenForm(Inward):
    """What the page sends."""

    email: Annotated[OneLine, Field(min_length=1, max_length=254)]
    organization: Annotated[
        Slug | None, BeforeValidator(lambda text: text.lower() if isinstance(text, str) else text)
    ] = None


@router.get(verb=password_reset.forgot_password)
async def show_forgot(request: Request) -> Response:
    """Show the form."""
    return _page(request, Form())


@router.post(verb=password_reset.forgot_password, form=True)
async def forget_by_form(request: Request, gate: GateDep) -> Response:
    """Send a link, or not, and say the same."""
    check_origin(request, gate.settings.public_url)
    form = await read_form(request, ForgottenForm, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, form, status=422)
    try:
        await password_reset.forgot_password(gate, email=form.email, organization=form.organization)
    except HoldfastError as error:
        if error.status != 429:
            raise
        return _page(request, await form_errors(request, error, ForgottenForm, labels=LABELS), status=429)
    return redirect(request, SIGN_IN, flash=SENT)


def _page(request: Request, form: Form, *, status: int = 200) -> Response:
    return render(request, "identity/forgot_password.html", status=status, form=form)
