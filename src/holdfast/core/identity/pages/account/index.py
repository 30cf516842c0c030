"""Where one is signed in, and the way to everything else of one's account."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account import ACCOUNT
from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.service import mfa, sessions
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=sessions.list_own_sessions)
async def show_account(request: Request, work: WorkDep) -> Response:
    """Show the sessions and the state of the second factor."""
    found = await sessions.list_own_sessions(work, read_query(request, SessionList))
    factor = await mfa.read_mfa(work)
    return render(
        request, "identity/account.html", work=work, sessions=found.data, meta=found.meta.model_dump(), factor=factor
    )


@router.post(verb=sessions.end_other_sessions, form=True)
async def end_other_sessions_by_form(request: Request, work: WorkDep) -> Response:
    """Sign out everywhere else."""
    ended = await sessions.end_other_sessions(work)
    told = "1 other session was ended." if ended == 1 else f"{ended} other sessions were ended."
    return redirect(request, ACCOUNT, flash=told)
