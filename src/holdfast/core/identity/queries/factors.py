"""Statements on second factors and on sign-ins that wait for one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select

from holdfast.core.identity.models import Challenge, RecoveryCode, Totp
from holdfast.kernel.work import Work


async def find_totp(work: Work, *, user_id: UUID, lock: bool = False) -> Totp | None:
    """Return a user's authenticator, confirmed or not, read anew."""
    statement = select(Totp).where(Totp.id == user_id).execution_options(populate_existing=True)
    found: Totp | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_recovery_codes(work: Work, *, user_id: UUID) -> Sequence[RecoveryCode]:
    """Return the recovery codes of a user, used ones too, locked."""
    statement = select(RecoveryCode).where(RecoveryCode.user_id == user_id).order_by(RecoveryCode.id)
    return (await work.session.scalars(statement.with_for_update())).all()


async def find_recovery_code(work: Work, *, user_id: UUID, code_hash: bytes) -> RecoveryCode | None:
    """Return a user's unused recovery code by its hash, locked and read anew."""
    statement = (
        select(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found: RecoveryCode | None = await work.session.scalar(statement)
    return found


async def count_recovery_codes(work: Work, *, user_id: UUID) -> int:
    """Return how many recovery codes a user has left."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return (await work.session.scalar(unused.select_from(RecoveryCode))) or 0


async def find_challenge(work: Work, *, challenge_id: UUID, lock: bool = False) -> Challenge | None:
    """Return a sign-in that waits or waited for its second factor, read anew."""
    statement = select(Challenge).where(Challenge.id == challenge_id).execution_options(populate_existing=True)
    found: Challenge | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def forget_challenges(work: Work, *, user_id: UUID) -> None:
    """Delete the sign-ins of a user that waited too long."""
    over = delete(Challenge).where(Challenge.user_id == user_id, Challenge.expires_at < work.now())
    await work.session.execute(over, execution_options={"synchronize_session": False})
