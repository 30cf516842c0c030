"""Taking a user out of the trash."""

from uuid import UUID

from holdfast.core.identity.schemas import UserOut
from holdfast.core.identity.service import users
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=users.restore_user)
async def restore_user(work: WorkDep, user_id: UUID, expected: IfMatch) -> UserOut:
    """Restore a deleted user with their roles; 409 where another has the address meanwhile."""
    return await users.shown(work, await users.restore_user(work, user_id=user_id, expected=expected))
