"""The page behind an invitation. Its secret stands in the fragment, which no browser sends."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import InvitationUse
from holdfast.core.identity.service.invitations import accept_invitation
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form, read_pairs

router = Routes()
LABELS = {"token": "The code of the link", "password": "Password"}
SHOWN_AGAIN = frozenset({403, 409, 422, 429})


@router.get(verb=accept_invitation)
async def show_invitation(request: Request) -> Response:
    """Show the form; whether the link is good is judged when it is used."""
    return _page(request, Form())


@router.post(verb=accept_invitation, form=True)
async def invitation_by_form(request: Request, gate: GateDep) -> Response:
    """Set the password and show the sign-in page."""
    check_origin(request, gate.settings.public_url)
    token = dict(await read_pairs(request)).get("token", "")
    form = await read_form(request, InvitationUse, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, form, token=token, status=422)
    try:
        await accept_invitation(gate, secret=form.token.get_secret_value(), password=form.password.get_secret_value())
    except HoldfastError as error:
        if error.status not in SHOWN_AGAIN:
            raise
        shown = await form_errors(request, error, InvitationUse, labels=LABELS)
        return _page(request, shown, token=token, status=error.status)
    return redirect(request, SIGN_IN, flash="Your password is set. Sign in with it.")


def _page(request: Request, form: Form, *, token: str = "", status: int = 200) -> Response:
    return render(request, "identity/invitation.html", status=status, form=form, token=token[:200])
