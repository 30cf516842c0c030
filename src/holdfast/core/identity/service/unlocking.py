"""Letting somebody in again from the command line."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import UserNotFound
from holdfast.core.identity.models import User, UserStatus
from holdfast.core.identity.service.mfa import reset_mfa
from holdfast.core.identity.service.users import change_status
from holdfast.kernel.db import folded
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.work import Work, Works


# lint: allow verb – opens the unit of work of a command and calls the verb
async def unlock_user(works: Works, *, tenant_id: UUID, email: str) -> bool:
    """Make a locked user active again and forget the wrong passwords; return whether the account was locked.

    Raises UserNotFound.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        user = await _called(work, email)
        if user.status is not UserStatus.LOCKED:
            return False
        await change_status(work, user_id=user.id, status=UserStatus.ACTIVE, reason="unlocked by command")
        return True


# lint: allow verb – opens the unit of work of a command and calls the verb
async def reset_second_factor(works: Works, *, tenant_id: UUID, email: str) -> None:
    """Remove the second factor of a user who lost it, who is told; raise UserNotFound, NoSecondFactor."""
    async with works.begin(tenant_id, SYSTEM) as work:
        await reset_mfa(work, user_id=(await _called(work, email)).id)


async def _called(work: Work, email: str) -> User:
    user = await queries.find_user_by_name(work, name_key=folded(email))
    if user is None:
        raise UserNotFound(f"There is no user {email!r}.")
    return user
