"""One of the caller's sessions."""

from uuid import UUID

from holdfast.core.identity.service import sessions
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.delete(verb=sessions.end_own_session)
async def end_own_session(work: WorkDep, session_id: UUID) -> None:
    """End one of your sessions; its tokens and cookie are refused from the next request on."""
    await sessions.end_own_session(work, session_id=session_id)
