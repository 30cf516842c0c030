"""Statements on one-time links and on the messages that wait."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from holdfast.core.identity.models import Notice, NoticeState, UserToken
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


async def list_unsent_notices(work: Work, *, limit: int) -> Sequence[Notice]:
    """Return the messages that wait to be sent, oldest first."""
    statement = select(Notice).where(Notice.state == NoticeState.WAITING).order_by(Notice.id).limit(limit)
    return (await work.session.scalars(statement)).all()


async def take_due_notices(work: Work, *, limit: int) -> Sequence[Notice]:
    """Return messages that are due, locked, without those that somebody else is just taking."""
    due = (Notice.state == NoticeState.WAITING, Notice.due_at <= work.now())
    statement = select(Notice).where(*due).order_by(Notice.due_at, Notice.id).limit(limit)
    return (await work.session.scalars(statement.with_for_update(skip_locked=True))).all()


async def list_stuck_notices(work: Work, *, before: datetime) -> Sequence[Notice]:
    """Return messages that somebody took in hand before a moment and said nothing of since, locked."""
    stuck = (Notice.state == NoticeState.SENDING, Notice.taken_at < before)
    statement = select(Notice).where(*stuck).order_by(Notice.id).limit(1000)
    return (await work.session.scalars(statement.with_for_update(skip_locked=True))).all()


async def find_notice(work: Work, *, notice_id: UUID) -> Notice | None:
    """Return a message, locked."""
    found: Notice | None = await work.session.scalar(select(Notice).where(Notice.id == notice_id).with_for_update())
    return found
