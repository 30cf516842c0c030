"""The page behind a link for a new password. Its secret stands in the fragment, which no browser sends."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import PasswordReset
from holdfast.core.identity.service import password_reset
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form, read_pairs

router = Routes()
LABELS = {"token": "The code of the link", "new_password": "The password"}
SHOWN_AGAIN = frozenset({403, 422, 429})


@router.get(verb=password_reset.reset_password)
async def show_reset(request: Request) -> Response:
    """Show the form; whether the link is good is judged when it is used."""
    return _page(request, Form())


@router.post(verb=password_reset.reset_password, form=True)
async def reset_by_form(request: Request, gate: GateDep) -> Response:
    """Set the password and show the sign-in page."""
    check_origin(request, gate.settings.public_url)
    token = dict(await read_pairs(request)).get("token", "")
    form = await read_form(request, PasswordReset, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, form, token=token, status=422)
    try:
        await password_reset.reset_password(
            gate, token=form.token.get_secret_value(), new=form.new_password.get_secret_value()
        )
    except HoldfastError as error:
        if error.status not in SHOWN_AGAIN:
            raise
        shown = await form_errors(request, error, PasswordReset, labels=LABELS)
        return _page(request, shown, token=token, status=error.status)
    return redirect(request, SIGN_IN, flash="Your password is changed. Sign in with it.")


def _page(request: Request, form: Form, *, token: str = "", status: int = 200) -> Response:
    return render(request, "identity/reset_password.html", status=status, form=form, token=token[:200])
