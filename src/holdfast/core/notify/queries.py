"""Every statement on messages, preferences and texts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, cast
from uuid import UUID

from pydantic import Field
from sqlalchemy import Table, Update, bindparam, case, delete, func, literal, select, true, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from holdfast.core.notify.errors import InboxItemNotFound, SuppressionNotFound
from holdfast.core.notify.models import (
    Announcement,
    MessageTemplate,
    Notice,
    NoticeState,
    NotifyPreference,
    Reason,
    Suppression,
)
from holdfast.core.notify.schemas import SuppressionOut
from holdfast.kernel.errors import Unavailable
from holdfast.kernel.keys import Sealed
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Moment
from holdfast.kernel.work import Work

IN_CHUNK = 500
AT_ONCE = 5000
TRIED = 5
MOST_SHOWN = 99
TO_LEAVE = (NoticeState.WAITING, NoticeState.HELD, NoticeState.SENDING)
_ROWS = cast("Table", Notice.__table__)
# What sends goes past the session, which costs more than a mail: these keep to the tenant by themselves.
_OWN = _ROWS.c.tenant_id == bindparam("tenant")
_OF_TENANT = update(_ROWS).where(_OWN, _ROWS.c.id == bindparam("of"))


class InboxList(ListParameters):
    """Filters of one's inbox."""

    unread: Annotated[bool | None, Field(description="`true`: what was not read yet; `false`: what was.")] = None
    message: Annotated[str | None, Field(max_length=100, examples=["identity.new_sign_in"])] = None
    created_from: Moment | None = None
    created_to: Moment | None = None


class InboxOf(InboxList):
    """The same, of one user."""

    user_id: UUID


INBOX = HotList(
    "notify.inbox",
    Notice,
    columns={"id": Notice.id, "message": Notice.message, "created_at": Notice.created_at, "read_at": Notice.read_at},
    sorts={"created_at": Notice.created_at},
    default_sort="-created_at",
    filters={
        "user_id": lambda value: Notice.user_id == value,
        "unread": lambda value: Notice.read_at.is_(None) if value else Notice.read_at.is_not(None),
        "message": lambda value: Notice.message == value,
        "created_from": lambda value: Notice.created_at >= value,
        "created_to": lambda value: Notice.created_at < value,
    },
    where=(Notice.inbox == true(),),
)


# ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_notices(work: Work, rows: Sequence[Notice]) -> None:
    """Write messages; of those with a key only what its person was not told, also where others tell at this moment."""
    keyed = [row for row in rows if row.key is not None]
    work.session.add_all(row for row in rows if row.key is None)
    if not keyed:
        return
    await work.flush()
    for _ in range(TRIED):
        known = await _told_already(work, keyed)
        left = [row for row in keyed if (row.user_id, row.key) not in known]
        if not left:
            return
        try:
            async with work.session.begin_nested():
                work.session.add_all(left)
        except IntegrityError:  # somebody else wrote one of them meanwhile: look again
            continue
        return
    raise Unavailable("Others tell the same people the same at this moment. Try again.")


async def _told_already(work: Work, rows: Sequence[Notice]) -> set[tuple[UUID, str | None]]:
    keys, users = {row.key for row in rows}, sorted({row.user_id for row in rows})
    found: set[tuple[UUID, str | None]] = set()
    for start in range(0, len(users), IN_CHUNK):
        chunk = users[start : start + IN_CHUNK]
        statement = select(Notice.user_id, Notice.key).where(Notice.user_id.in_(chunk), Notice.key.in_(keys))
        found |= {(user_id, key) for user_id, key in await work.session.execute(statement)}
    return found


async def get_told(work: Work, *, user_id: UUID, key: str) -> Notice | None:
    """Return what a user was told under a key; None for one whom nothing reaches."""
    await work.flush()
    mine = select(Notice).where(Notice.user_id == user_id, Notice.key == key)
    found: Notice | None = await work.session.scalar(mine)
    return found


async def list_preferences(work: Work, *, user_ids: Collection[UUID]) -> dict[UUID, NotifyPreference]:
    """Return what users chose, by user; who chose nothing is not among them."""
    wanted, found = sorted(user_ids), dict[UUID, NotifyPreference]()
    for start in range(0, len(wanted), IN_CHUNK):
        statement = select(NotifyPreference).where(NotifyPreference.id.in_(wanted[start : start + IN_CHUNK]))
        found |= {row.id: row for row in await work.session.scalars(statement)}
    return found


async def find_preference(work: Work, *, user_id: UUID, lock: bool = False) -> NotifyPreference | None:
    """Return what a user chose, None where they chose nothing."""
    statement = select(NotifyPreference).where(NotifyPreference.id == user_id)
    found: NotifyPreference | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_announcement(work: Work, *, announcement_id: UUID) -> Announcement | None:
    """Return a message to an audience, locked; None once everyone was told."""
    statement = select(Announcement).where(Announcement.id == announcement_id).with_for_update()
    found: Announcement | None = await work.session.scalar(statement)
    return found


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Due(NamedTuple):
    """A message that waits, as what puts it into words needs it."""

    id: UUID
    user_id: UUID
    message: str
    payload: Sealed | None
    created_at: datetime


_DUE = (
    select(*(_ROWS.c[name] for name in Due._fields))
    .where(_OWN, _ROWS.c.state == NoticeState.WAITING, _ROWS.c.due_at <= bindparam("now"))
    .order_by(_ROWS.c.due_at, _ROWS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_STATES = (
    select(_ROWS.c.id, _ROWS.c.state, _ROWS.c.message)
    .where(_OWN, _ROWS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_ROWS.c.id)
    .with_for_update()
)


async def list_notices_in(work: Work, *, state: NoticeState, limit: int) -> Sequence[Notice]:
    """Return messages in a state: the oldest first where they are still to leave, else the latest."""
    order = Notice.id if state in TO_LEAVE else Notice.id.desc()
    return (await work.session.scalars(select(Notice).where(Notice.state == state).order_by(order).limit(limit))).all()


async def lock_notices(work: Work, *, ids: Sequence[UUID]) -> Sequence[Notice]:
    """Return messages by their ids, locked."""
    statement = select(Notice).where(Notice.id.in_(ids)).order_by(Notice.id).with_for_update()
    return (await work.session.scalars(statement)).all()


async def states_of_notices(work: Work, *, ids: Sequence[UUID]) -> Mapping[UUID, tuple[NoticeState, str]]:
    """Return the states of messages and their kinds by their ids, locked."""
    rows = await work.link.connection.execute(_STATES, {"tenant": work.tenant_id, "ids": ids})
    return {notice_id: (state, message) for notice_id, state, message in rows}


async def note_taken(work: Work, *, keys: Mapping[UUID, bytes]) -> None:
    """Note that messages are in hand, each with the index of its address."""
    taken = {"state": NoticeState.SENDING, "taken_at": work.now(), "attempts": _ROWS.c.attempts + 1}
    statement = _OF_TENANT.values(**taken, to_key=bindparam("index"))
    await _each(work, statement, [{"of": each, "index": key} for each, key in keys.items()])


async def note_sent(work: Work, *, told: Sequence[tuple[UUID, int, str]]) -> None:
    """Note that messages in hand were sent, with the server's code and words; what is in no inbox is emptied."""
    kept = case((_ROWS.c.inbox == true(), _ROWS.c.payload), else_=None)
    statement = _OF_TENANT.values(
        state=NoticeState.SENT, sent_at=work.now(), payload=kept, code=bindparam("answer"), said=bindparam("words")
    )
    await _each(work, statement, [{"of": each, "answer": code, "words": said} for each, code, said in told])


async def _each(work: Work, statement: Update, values: Sequence[Mapping[str, object]]) -> None:
    if values:
        await work.link.connection.execute(statement, [{"tenant": work.tenant_id, **each} for each in values])


async def take_due(work: Work, *, limit: int) -> Sequence[Due]:
    """Return messages that are due, locked, without those that somebody else is just taking."""
    rows = await work.link.connection.execute(_DUE, {"tenant": work.tenant_id, "now": work.now(), "most": limit})
    return [Due(*row) for row in rows]


async def list_stuck_notices(work: Work, *, before: datetime, limit: int) -> Sequence[Notice]:
    """Return messages that somebody took in hand before a moment and said nothing of since, locked."""
    stuck = (Notice.state == NoticeState.SENDING, Notice.taken_at < before)
    statement = select(Notice).where(*stuck).order_by(Notice.id).limit(limit)
    return (await work.session.scalars(statement.with_for_update(skip_locked=True))).all()


async def find_notice(work: Work, *, notice_id: UUID) -> Notice | None:
    """Return a message, locked."""
    found: Notice | None = await work.session.scalar(select(Notice).where(Notice.id == notice_id).with_for_update())
    return found


async def list_held_notices(work: Work, *, user_id: UUID | None = None, due: bool, limit: int) -> Sequence[Notice]:
    """Return messages that wait for a digest, locked, by person and age: with `due` those whose time has come."""
    held = select(Notice).where(Notice.state == NoticeState.HELD)
    if user_id is not None:
        held = held.where(Notice.user_id == user_id)
    if due:
        held = held.where(Notice.due_at <= work.now())
    return (await work.session.scalars(held.order_by(Notice.user_id, Notice.id).limit(limit).with_for_update())).all()


async def list_merged_notices(work: Work, *, digests: Iterable[Due | Notice]) -> Sequence[Notice]:
    """Return the messages that stand in digests, oldest first."""
    ids, users = [each.id for each in digests], [each.user_id for each in digests]
    statement = select(Notice).where(Notice.user_id.in_(users), Notice.digest_id.in_(ids)).order_by(Notice.id)
    return (await work.session.scalars(statement)).all()


# ── the inbox ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_inbox_item(work: Work, *, user_id: UUID, notice_id: UUID, lock: bool = False) -> Notice:
    """Return a message in a user's inbox; raise InboxItemNotFound."""
    mine = (Notice.id == notice_id, Notice.user_id == user_id, Notice.inbox == true())
    statement = select(Notice).where(*mine)
    found: Notice | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise InboxItemNotFound
    return found


async def list_notices(work: Work, *, ids: Collection[UUID]) -> dict[UUID, Notice]:
    """Return messages by their ids."""
    return {row.id: row for row in await work.session.scalars(select(Notice).where(Notice.id.in_(ids)))} if ids else {}


async def list_unread(work: Work, *, user_id: UUID, limit: int) -> Sequence[Notice]:
    """Return messages in a user's inbox that were not read, locked."""
    statement = select(Notice).where(*_unread(user_id)).order_by(Notice.id).limit(limit).with_for_update()
    return (await work.session.scalars(statement)).all()


async def count_unread(work: Work, *, user_id: UUID) -> int:
    """Return how many messages in a user's inbox were not read, one more than are shown at most."""
    few = select(literal(1).label("one")).select_from(Notice).where(*_unread(user_id)).limit(MOST_SHOWN + 1)
    counted = select(func.count()).select_from(few.subquery())
    return int(await work.session.scalar(counted) or 0)


def _unread(user_id: UUID) -> tuple[Any, ...]:
    return (Notice.user_id == user_id, Notice.inbox == true(), Notice.read_at.is_(None))


async def remove_notices(work: Work, *, before: datetime) -> int:
    """Remove up to some thousand messages that were told before a moment and wait for nothing; return how many."""
    over = Notice.state.not_in(TO_LEAVE)
    old = select(Notice.id).where(Notice.created_at < before, over).order_by(Notice.id).limit(AT_ONCE)
    ids = (await work.session.scalars(old)).all()
    for start in range(0, len(ids), IN_CHUNK):
        mine = delete(Notice).where(Notice.id.in_(ids[start : start + IN_CHUNK]))
        result: CursorResult[Any] = await work.session.execute(mine)  # type: ignore[assignment]
        assert result.rowcount <= IN_CHUNK
    return len(ids)


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_templates(work: Work, *, messages: Collection[str] | None = None) -> Sequence[MessageTemplate]:
    """Return the texts that the organisation wrote itself, of some messages or of all."""
    statement = select(MessageTemplate).order_by(MessageTemplate.message, MessageTemplate.locale)
    if messages is not None:
        statement = statement.where(MessageTemplate.message.in_(messages))
    return (await work.session.scalars(statement)).all()


async def find_template(work: Work, *, message: str, locale: str, lock: bool = False) -> MessageTemplate | None:
    """Return the organisation's own text of a message in a language."""
    mine = (MessageTemplate.message == message, MessageTemplate.locale == locale)
    statement = select(MessageTemplate).where(*mine)
    found: MessageTemplate | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


# ── addresses that are not written to ─────────────────────────────────────────────────────────────────────────────────


class _Chosen(ListParameters):
    reason: Reason | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None


class SuppressionList(_Chosen):
    """Filters of the list of addresses that are not written to."""

    address: Annotated[str | None, Field(max_length=254, description="Just this one, whole.")] = None


class SuppressionsFound(_Chosen):
    """The same, with the index of an address in the place of the address."""

    address_key: bytes | None = None


SUPPRESSIONS = HotList(
    "notify.suppressions",
    Suppression,
    columns={name: getattr(Suppression, name) for name in SuppressionOut.model_fields if name != "address"},
    sorts={"created_at": Suppression.created_at},
    default_sort="-created_at",
    filters={
        "reason": lambda value: Suppression.reason == value,
        "created_from": lambda value: Suppression.created_at >= value,
        "created_to": lambda value: Suppression.created_at < value,
        "address_key": lambda value: Suppression.address_key == value,
    },
)


async def addresses_of(work: Work, *, ids: Sequence[UUID]) -> Mapping[UUID, Sealed]:
    """Return the addresses of some rows, sealed."""
    statement = select(Suppression.id, Suppression.address).where(Suppression.id.in_(ids))
    return {row.id: row.address for row in await work.session.execute(statement)}


async def get_suppression(work: Work, *, suppression_id: UUID, lock: bool = False) -> Suppression:
    """Return an address that is not written to; raise SuppressionNotFound."""
    statement = select(Suppression).where(Suppression.id == suppression_id)
    found: Suppression | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise SuppressionNotFound
    return found


async def find_suppression(work: Work, *, address_key: bytes) -> Suppression | None:
    """Return the row of an address, by its index."""
    found: Suppression | None = await work.session.scalar(
        select(Suppression).where(Suppression.address_key == address_key)
    )
    return found


async def reasons_of(work: Work, *, keys: Sequence[bytes]) -> Mapping[bytes, Reason]:
    """Return why those of some addresses are not written to, by their indexes, that are not."""
    statement = select(Suppression.address_key, Suppression.reason).where(Suppression.address_key.in_(keys))
    return {row.address_key: row.reason for row in await work.session.execute(statement)}
