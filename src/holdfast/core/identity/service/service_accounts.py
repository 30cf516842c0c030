"""Accounts of programs."""

from holdfast.core.identity.facts import UserCreated
from holdfast.core.identity.models import User, UserKind, UserStatus
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("identity.service_account.create", writes=True, step_up=True)
async def create_service_account(work: Work, *, name: str, username: str | None = None) -> User:
    """Make an account that nobody signs in to: no address, no password, API keys only."""
    user = User(
        id=work.new_id(), kind=UserKind.SERVICE, name=name, username=username, status=UserStatus.ACTIVE, demo=False
    )
    work.session.add(user)
    work.record(UserCreated(entity=user))
    return user
