"""The outbox, for what sends: messages are taken in hand, and what became of each is written down.

The hand is committed before anything leaves. Who dies after that leaves a message of which nobody knows whether it went
out: it is called uncertain, and not sent a second time by itself.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from holdfast.core.identity.public import recipients_of
from holdfast.core.notify import queries
from holdfast.core.notify.facts import NoticeBounced, NoticeComplained, NoticeFailed, NoticeSuppressed, NoticeUncertain
from holdfast.core.notify.models import Notice, NoticeState
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.wording import Said, Speaker
from holdfast.kernel.db import folded
from holdfast.kernel.keys import Keyring
from holdfast.kernel.work import Work

ATTEMPTS = 8  # the last about four hours after the first
LONGEST_WAIT = timedelta(hours=2)
IN_HAND = timedelta(minutes=20)  # longer than a job that sends may take
LOST_AT_ONCE = 500
# Of these a server may have had the message; what waits or was never sent does not come back.
LEFT = frozenset({NoticeState.SENDING, NoticeState.SENT, NoticeState.UNCERTAIN})
DIGEST = "notify.digest"
Row = TypeVar("Row", queries.Due, Notice)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as its mail says it; without `html` the mail gets our layout."""

    to: str
    subject: str
    text: str
    html: str | None
    locale: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A message in hand, with the index of the address it goes to; a `fixed` one cannot be declined."""

    id: UUID
    letter: Letter
    to_key: bytes
    fixed: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a message in hand: the other side's code, 0 for none, and its words."""

    id: UUID
    state: NoticeState
    code: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a message stands, and what the other side said last; no `letter` for one that reaches nobody.

    `emptied`: its text was removed, because nobody needs it any more.
    """

    user_id: UUID
    message: str
    state: NoticeState
    created_at: datetime
    due_at: datetime
    attempts: int
    code: int
    said: str
    emptied: bool
    letter: Letter | None


@dataclass(frozen=True, slots=True)
class Returned:
    """A message of which word came back: the index of the address it went to, and the address of its user today."""

    to_key: bytes | None
    email: str | None


def address_key(ring: Keyring, address: str) -> bytes:
    """Return the index of an address in an organisation: the same for each way to write it, telling nothing of it."""
    return ring.blind(Notice.to_key, folded(address))


# lint: allow verb – for who runs the installation
async def read_outbox(work: Work, *, limit: int = 100) -> Sequence[Letter]:
    """Return the messages of an organisation that wait to be sent, oldest first."""
    found = await browse_outbox(work, state=NoticeState.WAITING, limit=limit)
    return [each.letter for each in found if each.letter is not None]


# lint: allow verb – for who runs the installation
async def browse_outbox(work: Work, *, state: NoticeState, limit: int) -> Sequence[Standing]:
    """Return the messages of an organisation in a state: the oldest first where they are to leave, else the latest."""
    rows = await queries.list_notices_in(work, state=state, limit=limit)
    return [_standing(row, letter) for row, letter in await _opened(work, rows)]


# lint: allow verb – for what sends
async def give_up_lost(work: Work) -> bool:
    """Call messages uncertain that somebody took in hand long ago and never spoke of again; tell if more may be so."""
    lost = await queries.list_stuck_notices(work, before=work.now() - IN_HAND, limit=LOST_AT_ONCE)
    for row in lost:
        _end(work, row, NoticeState.UNCERTAIN)
    return len(lost) == LOST_AT_ONCE


# lint: allow verb – for what sends
async def take_notices(work: Work, *, limit: int) -> Sequence[Taken]:
    """Take messages in hand that are due; what has nobody any more whom a mail could reach waits no longer."""
    due = await queries.take_due(work, limit=limit)
    if not due:
        return []
    ring, messages = await work.keyring(), Telling.of(work.house).texts.messages
    taken, off = list[Taken](), list[UUID]()
    for row, letter in await _opened(work, due):
        if letter is None:
            off.append(row.id)
        else:
            taken.append(Taken(row.id, letter, address_key(ring, letter.to), messages[row.message].fixed))
    for notice in await queries.lock_notices(work, ids=off) if off else ():
        notice.state = NoticeState.OFF
        await _forget(work, notice)
    await queries.note_taken(work, keys={each.id: each.to_key for each in taken})
    return taken


# lint: allow verb – for what sends
async def settle_notices(work: Work, outcomes: Iterable[Settled]) -> list[NoticeState]:
    """Write down what became of messages in hand, and return their states in that order.

    One that waits again is due later, and fails after eight times. One that is in nobody's hand any more stays as it
    is: it was called uncertain meanwhile, or word of it has come back already.
    """
    told = list(outcomes)
    known = await queries.states_of_notices(work, ids=[each.id for each in told])
    states = {each: state for each, (state, _) in known.items()}
    held = [each for each in told if states.get(each.id) is NoticeState.SENDING]
    sent = [each for each in held if each.state is NoticeState.SENT and known[each.id][1] != DIGEST]
    await queries.note_sent(work, told=[(each.id, each.code, each.said[:500]) for each in sent])
    states |= dict.fromkeys((each.id for each in sent), NoticeState.SENT)
    others = {each.id: each for each in held if states[each.id] is not NoticeState.SENT}
    for row in await queries.lock_notices(work, ids=list(others)) if others else ():
        await _settle(work, row, others[row.id])
        states[row.id] = row.state
    return [states.get(each.id, NoticeState.UNCERTAIN) for each in told]


# lint: allow verb – for what reads what comes back
async def note_return(work: Work, *, notice_id: UUID, state: NoticeState, status: str, said: str) -> Returned | None:
    """Write down that a message came back or was called unwanted; None where that is known, or it never left."""
    row = await queries.find_notice(work, notice_id=notice_id)
    if row is None or row.state not in LEFT:
        return None
    row.state, row.code, row.said = state, 0, said[:500]  # the code was of the server that took it over
    await _forget(work, row)
    if state is NoticeState.BOUNCED:
        work.record(NoticeBounced(user_id=row.user_id, message=row.message, status=status))
    else:
        work.record(NoticeComplained(user_id=row.user_id, message=row.message))
    people = await recipients_of(work, {row.user_id})
    return Returned(row.to_key, people[row.user_id].email if row.user_id in people else None)


async def _settle(work: Work, row: Notice, outcome: Settled) -> None:
    row.code, row.said = outcome.code, outcome.said[:500]
    if outcome.state is NoticeState.WAITING and row.attempts < ATTEMPTS:
        row.state, row.due_at = outcome.state, work.now() + _pause(row.attempts)
    elif outcome.state is NoticeState.SENT:
        row.state, row.sent_at = outcome.state, work.now()
        await _forget(work, row)
    elif outcome.state is NoticeState.SUPPRESSED:
        row.state = outcome.state
        await _forget(work, row)
        work.record(NoticeSuppressed(user_id=row.user_id, message=row.message, because=outcome.said))
    else:
        uncertain = outcome.state is NoticeState.UNCERTAIN
        _end(work, row, NoticeState.UNCERTAIN if uncertain else NoticeState.FAILED)


async def _forget(work: Work, row: Notice) -> None:
    """Empty what is in nobody's inbox and goes nowhere any more, with what stood in a digest."""
    rows = [row, *(await queries.list_merged_notices(work, digests=[row]) if row.message == DIGEST else ())]
    for each in rows:
        if not each.inbox:
            each.payload = None


async def _opened(work: Work, rows: Sequence[Row]) -> list[tuple[Row, Letter | None]]:
    """Return messages as they will be sent, each with its row; None for one that reaches nobody any more."""
    if not rows:
        return []
    digests = [row for row in rows if row.message == DIGEST]
    parts: Sequence[Notice] = await queries.list_merged_notices(work, digests=digests) if digests else []
    speaker = await Speaker.of(work, [*rows, *parts])
    inside = await _inside(speaker, parts)
    found: list[tuple[Row, Letter | None]] = []
    for row in rows:
        extra = {"items": inside.get(row.id, "")} if row.message == DIGEST else {}
        said = await speaker.say(row, extra=extra)
        found.append((row, None if said is None or said.to is None else _letter(row, said, said.to)))
    return found


async def _inside(speaker: Speaker, parts: Sequence[Notice]) -> Mapping[UUID, str]:
    """Return what stands in each digest: subject and text of its messages."""
    found = defaultdict[UUID, list[str]](list)
    for part in parts:
        said = await speaker.say(part)
        if said is not None and part.digest_id is not None:
            found[part.digest_id].append(f"{said.rendered.subject}\n\n{said.rendered.text}")
    return {digest_id: "\n".join(texts) for digest_id, texts in found.items()}


def _standing(row: Notice, letter: Letter | None) -> Standing:
    return Standing(
        user_id=row.user_id,
        message=row.message,
        state=row.state,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        code=row.code,
        said=row.said,
        emptied=row.payload is None,
        letter=letter,
    )


def _letter(row: queries.Due | Notice, said: Said, to: str) -> Letter:
    rendered = said.rendered
    return Letter(to, rendered.subject, rendered.text, rendered.html, rendered.locale, row.created_at)


def _end(work: Work, row: Notice, state: NoticeState) -> None:
    row.state = state
    if state is NoticeState.UNCERTAIN:
        work.record(NoticeUncertain(user_id=row.user_id, message=row.message))
    else:
        work.record(NoticeFailed(user_id=row.user_id, message=row.message, attempts=row.attempts, code=row.code))


def _pause(attempts: int) -> timedelta:
    """Return how long to wait: two minutes, doubled each time, half of it by chance, so that not all come at once."""
    most = min(timedelta(minutes=2**attempts), LONGEST_WAIT)
    return most * random.uniform(0.5, 1.0)  # noqa: S311  no secret
