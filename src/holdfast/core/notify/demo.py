"""Its part of the demo data: what people find in their inbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.notify import queries
from holdfast.core.notify.models import NoticeState
from holdfast.kernel.work import Work

TOLD: Sequence[tuple[int, str, dict[str, str]]] = (
    (40, "identity.password_changed", {}),
    (12, "identity.mfa_changed", {"change": "codes"}),
    (3, "identity.api_key_created", {"label": "Nightly report"}),
    (1, "identity.new_sign_in", {}),
)
READ = 2  # how many of them were read


async def load_inbox(work: Work, user_ids: Sequence[UUID], *, until: datetime) -> None:
    """Tell users a few things in the days before a moment; no mail of it leaves."""
    for days, message, told in TOLD:
        work.claim(until - timedelta(days=days))
        await work.tell(message, user_ids, key=f"demo:{message}", **told)
    await work.flush()
    old = {message for _, message, _ in TOLD[:READ]}
    for row in await queries.list_notices_in(work, state=NoticeState.WAITING, limit=len(TOLD) * len(user_ids)):
        row.state = NoticeState.OFF
        row.read_at = row.created_at + timedelta(hours=2) if row.message in old else None
    await work.flush()
