"""One session of a user."""

from uuid import UUID

from holdfast.core.identity.service import sessions
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.delete(verb=sessions.revoke_session)
async def revoke_session(work: WorkDep, user_id: UUID, session_id: UUID) -> None:
    """End one session of a user; its tokens and cookie are refused from the next request on."""
    await sessions.revoke_session(work, user_id=user_id, session_id=session_id)
