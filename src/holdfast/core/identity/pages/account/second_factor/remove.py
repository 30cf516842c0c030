"""Removing one's second factor, after a question."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account.second_factor import PAGE
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render

router = Routes()


@router.get(verb=mfa.remove_totp)
async def ask_to_remove(request: Request, work: WorkDep) -> Response:
    """Ask before removing."""
    return render(request, "identity/account_remove.html", work=work, factor=await mfa.read_mfa(work))


@router.post(verb=mfa.remove_totp, prepare=take_turn, form=True)
async def remove_by_form(request: Request, work: WorkDep) -> Response:
    """Remove the authenticator and the recovery codes."""
    await mfa.remove_totp(work)
    return redirect(request, PAGE, flash="Your second factor was removed.", kind="warn")
