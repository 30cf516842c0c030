"""Suspending and re-activating a user."""

from uuid import UUID

from holdfast.core.identity.schemas import StatusChange, UserOut
from holdfast.core.identity.service import users
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.patch(verb=users.change_status)
async def change_status(work: WorkDep, user_id: UUID, body: StatusChange, expected: IfMatch) -> UserOut:
    """Suspend or re-activate a user; a suspended user's sessions are refused from the next request on."""
    user = await users.change_status(work, user_id=user_id, status=body.status, reason=body.reason, expected=expected)
    return await users.shown(work, user)
