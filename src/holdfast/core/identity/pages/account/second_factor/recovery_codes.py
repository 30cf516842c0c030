"""New recovery codes."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account.second_factor import PAGE
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render

router = Routes()


@router.get(verb=mfa.read_mfa)
async def begin_anew(request: Request) -> Response:
    """Send who comes without a form to the page that begins."""
    return redirect(request, PAGE)


@router.post(verb=mfa.renew_recovery_codes, prepare=take_turn, form=True)
async def renew_by_form(request: Request, work: WorkDep) -> Response:
    """Make ten new codes and show them, this once."""
    return render(request, "identity/account_codes.html", work=work, codes=await mfa.renew_recovery_codes(work))
