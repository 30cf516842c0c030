"""Statements on one-time links."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from holdfast.core.identity.models import UserToken
from holdfast.kernel.work import Work


async def find_user_token(work: Work, *, token_id: UUID, lock: bool = False) -> UserToken | None:
    """Return the row of a one-time link, whatever its state."""
    statement = select(UserToken).where(UserToken.id == token_id).execution_options(populate_existing=True)
    found: UserToken | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_open_user_tokens(work: Work, *, user_id: UUID) -> Sequence[UserToken]:
    """Return the links of a user that were not used, locked."""
    statement = (
        select(UserToken)
        .where(UserToken.user_id == user_id, UserToken.used_at.is_(None))
        .order_by(UserToken.id)
        .with_for_update()
    )
    return (await work.session.scalars(statement)).all()
