"""Telling people: a row for each, in the transaction of what they are told of."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, cast
from uuid import UUID

from holdfast.core.directory.public import zone_of
from holdfast.core.identity.public import Recipient, recipients_of
from holdfast.core.notify import queries
from holdfast.core.notify.models import LONGEST_TOLD, Digest, Notice, NoticeState, NotifyPreference
from holdfast.core.notify.service.texts import Texts
from holdfast.core.notify.service.times import after_quiet, next_digest
from holdfast.core.notify.service.ways import has_way
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.db import canonical
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.plugins import Message
from holdfast.kernel.work import Work, Works

SEND = "notify.message.send"
LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Telling:
    """Fills the port `Teller` of units of work, with the messages that the installed apps declare."""

    SLOT: ClassVar[str] = "notify.telling"

    texts: Texts

    @classmethod
    def of(cls, works: Works) -> "Telling":
        """Return this process's."""
        return cast("Telling", works.state[cls.SLOT])

    async def tell(
        self, work: Work, message: str, user_ids: Iterable[UUID], told: Mapping[str, str], *, key: str | None, to: str
    ) -> None:
        """Write a row for each user that a message reaches; with a `key` once, whoever tells it again.

        Raises TypeError for a message that nobody declares and for other texts than it is told.
        """
        declared = self.texts.messages.get(message)
        if declared is None or set(told) != set(declared.told):
            wanted = "is declared by no app" if declared is None else f"is told {', '.join(declared.told) or 'nothing'}"
            raise TypeError(f"the message {message} {wanted}")
        work.telling = True
        wanted_ids = sorted(set(user_ids))
        if not wanted_ids:
            return
        # Whoever signs in waits for this: no preference holds here, and who it is for was read before.
        known = declared.fixed and bool(to)
        rows = (
            [_row(work, declared, user_id, key) for user_id in wanted_ids]
            if known
            else await _planned(work, declared, wanted_ids, key, to)
        )
        if rows:
            await _seal(work, rows, told, to)
            await queries.add_notices(work, rows)

    async def committing(self, work: Work) -> None:
        """Ask for a job that sends what was told, where there is a way for mails.

        The last statement before the commit, because all who tell wait at the row of the job that is there.
        """
        work.telling = False
        if has_way(work.settings):
            await work.enqueue(JOBS[SEND], unique=SEND, as_system=True)

    async def count_unread(self, work: Work) -> int:
        """Return how many messages in the caller's inbox were not read; none for a program."""
        return 0 if work.actor.id is None else await queries.count_unread(work, user_id=work.actor.id)


async def _planned(work: Work, message: Message, user_ids: Collection[UUID], key: str | None, to: str) -> list[Notice]:
    """Return the rows of those whom a message reaches, as they want to be told."""
    found = await recipients_of(work, user_ids)
    chosen = {} if message.fixed else await queries.list_preferences(work, user_ids=user_ids)
    zone = await zone_of(work) if any(each.digest != Digest.OFF or each.quiet_from for each in chosen.values()) else ""
    rows = []
    for user_id in sorted(found):
        user, preference = found[user_id], chosen.get(user_id)
        channels = channels_of(message, preference)
        row = _row(work, message, user_id, key)
        row.inbox = "inbox" in channels
        if "mail" not in channels or not (to or user.email):
            row.state = NoticeState.OFF
        elif preference is not None:
            plan_mail(row, preference, user, zone)
        if user.reached and (row.inbox or row.state is not NoticeState.OFF):
            rows.append(row)
    return rows


def channels_of(message: Message, preference: NotifyPreference | None) -> tuple[str, ...]:
    """Return the ways by which a person is told something: those that it has, without those they do not want."""
    if message.fixed or preference is None or not isinstance(preference.channels, dict):
        return message.channels
    wanted = preference.channels.get(message.name)
    return (
        message.channels if not isinstance(wanted, list) else tuple(each for each in message.channels if each in wanted)
    )


def plan_mail(row: Notice, preference: NotifyPreference, user: Recipient, zone: str) -> None:
    """Set when the mail of a message leaves: with the next digest, after the quiet hours, or now."""
    zone = user.time_zone or zone
    if preference.digest is not Digest.OFF:
        row.state = NoticeState.HELD
        row.due_at = next_digest(row.due_at, zone, preference.digest, preference.digest_hour)
    else:
        row.state = NoticeState.WAITING
        row.due_at = after_quiet(row.due_at, zone, preference.quiet_from, preference.quiet_until)


def _row(work: Work, message: Message, user_id: UUID, key: str | None) -> Notice:
    now = work.now()
    waits = NoticeState.WAITING if "mail" in message.channels else NoticeState.OFF
    return Notice(
        id=work.new_id(),
        user_id=user_id,
        message=message.name,
        key=key,
        created_at=now,
        due_at=now,
        inbox="inbox" in message.channels,
        state=waits,
    )


async def _seal(work: Work, rows: Collection[Notice], told: Mapping[str, str], to: str) -> None:
    agent = (work.request.user_agent or "-")[:LONGEST_AGENT]
    payload = {
        "to": to,
        "told": dict(told),
        "at": rfc3339(work.now()),
        "ip": work.request.ip or "-",
        "user_agent": agent,
    }
    plain = canonical(payload)
    if len(plain) > LONGEST_TOLD:
        raise TypeError(f"a message is told at most {LONGEST_TOLD} bytes, not {len(plain)}")
    ring = await work.keyring(sealing=True)
    for row in rows:
        row.payload = ring.seal(Notice.payload, row.id, plain)
