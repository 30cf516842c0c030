"""One user."""

from uuid import UUID

from holdfast.core.identity.schemas import UserOut, UserReplace, UserUpdate
from holdfast.core.identity.service import users
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=users.read_user)
async def read_user(work: WorkDep, user_id: UUID) -> UserOut:
    """Show a user."""
    return await users.shown(work, await users.read_user(work, user_id=user_id))


@router.put(verb=users.update_user)
async def replace_user(work: WorkDep, user_id: UUID, body: UserReplace, expected: IfMatch) -> UserOut:
    """Replace all writable fields of a user; another address needs its own right, and a recent step-up."""
    user = await users.update_user(work, user_id=user_id, fields=body, expected=expected)
    return await users.shown(work, user)


@router.patch(verb=users.update_user)
async def update_user(work: WorkDep, user_id: UUID, body: UserUpdate, expected: IfMatch) -> UserOut:
    """Change some fields of a user; another address needs its own right, and a recent step-up."""
    user = await users.update_user(work, user_id=user_id, fields=body, expected=expected)
    return await users.shown(work, user)


@router.delete(verb=users.delete_user, status=204)
async def delete_user(work: WorkDep, user_id: UUID, expected: IfMatch) -> None:
    """Put a user into the trash; their sessions and keys are refused from the next request on."""
    await users.delete_user(work, user_id=user_id, expected=expected)
