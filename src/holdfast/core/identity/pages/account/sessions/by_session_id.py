"""Ending one of one's sessions."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account import ACCOUNT
from holdfast.core.identity.service import sessions
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=sessions.end_own_session, form=True)
async def end_own_session_by_form(request: Request, work: WorkDep, session_id: UUID) -> Response:
    """End the session and show those that are left."""
    await sessions.end_own_session(work, session_id=session_id)
    return redirect(request, ACCOUNT, flash="The session was ended.")
