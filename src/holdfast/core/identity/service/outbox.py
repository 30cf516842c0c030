"""The outbox, for what sends: messages are taken in hand, and what became of each is written down.

The hand is committed before anything leaves. Who dies after that leaves a message of which nobody knows whether it went
out: it is called uncertain, and not sent a second time by itself.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.facts import NoticeFailed, NoticeUncertain
from holdfast.core.identity.models import Notice, NoticeState
from holdfast.core.identity.schemas import TenantStatus
from holdfast.core.identity.service.notices import Message, opened
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work, Works

ATTEMPTS = 8  # the last about four hours after the first
LONGEST_WAIT = timedelta(hours=2)
IN_HAND = timedelta(minutes=10)  # longer than any way for mails takes


@dataclass(frozen=True, slots=True)
class Taken:
    """A message in hand."""

    id: UUID
    message: Message


# lint: allow verb – for what sends
async def list_open_organizations(works: Works) -> list[UUID]:
    """Return the organisations whose messages are sent: those that may be entered."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        return [each.id for each in await queries.list_every_tenant(work) if each.status == TenantStatus.ACTIVE]


# lint: allow verb – for what sends
async def take_notices(work: Work, *, limit: int) -> Sequence[Taken]:
    """Take messages in hand that are due; those that somebody took and never spoke of again become uncertain."""
    for row in await queries.list_stuck_notices(work, before=work.now() - IN_HAND):
        _end(work, row, NoticeState.UNCERTAIN)
    taken = await opened(work, await queries.take_due_notices(work, limit=limit))
    for row, _ in taken:
        row.state, row.taken_at, row.attempts = NoticeState.SENDING, work.now(), row.attempts + 1
    await work.flush()
    return [Taken(row.id, message) for row, message in taken]


# lint: allow verb – for what sends
async def settle_notice(work: Work, *, notice_id: UUID, state: NoticeState, code: int, said: str) -> NoticeState | None:
    """Write down what became of a message in hand; one that waits again is due later, and fails after eight times.

    Returns its state, None where it is in nobody's hand any more.
    """
    row = await queries.find_notice(work, notice_id=notice_id)
    if row is None or row.state is not NoticeState.SENDING:
        return None
    row.code, row.said = code, said[:500]
    if state is NoticeState.WAITING and row.attempts < ATTEMPTS:
        row.state, row.due_at = state, work.now() + _pause(row.attempts)
    elif state is NoticeState.SENT:
        row.state, row.sent_at, row.payload = state, work.now(), None
    else:
        _end(work, row, NoticeState.UNCERTAIN if state is NoticeState.UNCERTAIN else NoticeState.FAILED)
    return row.state


def _end(work: Work, row: Notice, state: NoticeState) -> None:
    row.state = state
    if state is NoticeState.UNCERTAIN:
        work.record(NoticeUncertain(user_id=row.user_id, template=row.template))
    else:
        work.record(NoticeFailed(user_id=row.user_id, template=row.template, attempts=row.attempts, code=row.code))


def _pause(attempts: int) -> timedelta:
    """Return how long to wait: two minutes, doubled each time, half of it by chance, so that not all come at once."""
    most = min(timedelta(minutes=2**attempts), LONGEST_WAIT)
    return most * random.uniform(0.5, 1.0)  # noqa: S311  no secret
