"""The page behind the link that confirms a new address. Its secret stands in the fragment, which no browser sends."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import LinkUse
from holdfast.core.identity.service.own_email import confirm_email
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form, read_pairs

router = Routes()
LABELS = {"token": "The code of the link"}
SHOWN_AGAIN = frozenset({403, 409, 422, 429})


@router.get(verb=confirm_email)
async def show_email(request: Request) -> Response:
    """Show the form; whether the link is good is judged when it is used."""
    return _page(request, Form())


@router.post(verb=confirm_email, form=True)
async def email_by_form(request: Request, gate: GateDep) -> Response:
    """Confirm the address and show the sign-in page."""
    check_origin(request, gate.settings.public_url)
    token = dict(await read_pairs(request)).get("token", "")
    form = await read_form(request, LinkUse, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, form, token=token, status=422)
    try:
        await confirm_email(gate, secret=form.token.get_secret_value())
    except HoldfastError as error:
        if error.status not in SHOWN_AGAIN:
            raise
        shown = await form_errors(request, error, LinkUse, labels=LABELS)
        return _page(request, shown, token=token, status=error.status)
    return redirect(request, SIGN_IN, flash="Your address is confirmed. Sign in with it.")


def _page(request: Request, form: Form, *, token: str = "", status: int = 200) -> Response:
    return render(request, "identity/email.html", status=status, form=form, token=token[:200])
