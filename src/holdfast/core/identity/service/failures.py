"""Wrong passwords and codes: counted, recorded, and at last the account's end."""

from collections.abc import Mapping
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.facts import UserStatusChanged
from holdfast.core.identity.models import User, UserStatus
from holdfast.kernel.db import Json
from holdfast.kernel.facts import Record
from holdfast.kernel.work import Work

FAILURES_UNTIL_LOCKED = 100


# lint: allow verb – a step of verbs that verify a password or a code
async def count_failure(work: Work, user_id: UUID) -> None:
    """Count a wrong password or code; the account is locked after 100 in a row (NIST SP 800-63B-4, 3.2.2)."""
    user = await queries.find_user(work, user_id=user_id, lock=True)  # before the password, as everywhere
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if user is None or password is None:
        return
    password.failures += 1
    if password.failures >= FAILURES_UNTIL_LOCKED and user.status is UserStatus.ACTIVE:
        user.status, user.status_reason = UserStatus.LOCKED, f"{password.failures} wrong passwords or codes in a row"
        work.record(UserStatusChanged(entity=user, reason=user.status_reason))


# lint: allow verb – a step of verbs that verify a password or a code
async def forget_failures(work: Work, user_id: UUID) -> None:
    """Begin to count anew, after everything that was asked for was right."""
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if password is not None:
        password.failures = 0


# lint: allow verb – a step of verbs that verify a password or a code
async def write_failure(
    work: Work,
    *,
    action: str,
    reason: str,
    user_id: UUID | None,
    counted: bool = True,
    category: str = "access",
    detail: Mapping[str, Json] | None = None,
) -> None:
    """Count a failure of a user, where it is one of a password or code, and write it into the trail."""
    if user_id is not None and counted:
        await count_failure(work, user_id)
    record = Record(
        action=action,
        category=category,
        severity="warning",
        outcome="failed",
        entity_type=None if user_id is None else User.__tablename__,
        entity_id=user_id,
        reason=reason,
        detail=None if detail is None else dict(detail),
    )
    await work.house.recorder.refuse(work, record)
