"""One's second factor: whether there is one, and setting one up."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=mfa.read_mfa)
async def show_factor(request: Request, work: WorkDep) -> Response:
    """Show what the second factor is."""
    return render(request, "identity/account_factor.html", work=work, factor=await mfa.read_mfa(work))


@router.post(verb=mfa.enrol_totp, prepare=take_turn, form=True)
async def enrol_by_form(request: Request, work: WorkDep) -> Response:
    """Make an authenticator known and ask for its first code."""
    made = await mfa.enrol_totp(work)
    return render(
        request, "identity/account_enrol.html", work=work, form=Form(), secret=made.secret, uri=made.otpauth_uri
    )
