"""How a person wants to be told."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from holdfast.core.directory.public import zone_of
from holdfast.core.identity.public import recipients_of
from holdfast.core.notify import queries
from holdfast.core.notify.facts import PreferencesChosen
from holdfast.core.notify.models import Digest, NotifyPreference
from holdfast.core.notify.schemas import MessageChoice, PreferencesIn, PreferencesOut, PreferencesUpdate
from holdfast.core.notify.service.telling import Telling, channels_of, plan_mail
from holdfast.kernel.db import Json
from holdfast.kernel.errors import Invalid
from holdfast.kernel.permissions import verb
from holdfast.kernel.plugins import Message
from holdfast.kernel.work import Work, check_version

MOST_HELD = 5000


@verb("notify.preferences.read", access="signed_in", personal=True)
async def read_preferences(work: Work) -> PreferencesOut:
    """Return how the caller is told, every kind of message; at version 0 where they chose nothing."""
    return _shown(work, await queries.find_preference(work, user_id=_caller(work)) or _none(work))


@verb("notify.preferences.choose", access="signed_in", personal=True, writes=True)
async def choose_preferences(
    work: Work, fields: PreferencesIn | PreferencesUpdate, *, expected: int | None = None
) -> PreferencesOut:
    """Set how the caller is told; of an update only what it names.

    What is held for a digest is planned anew. Raises Invalid naming the message or the hours, PreconditionFailed.
    """
    row = await queries.find_preference(work, user_id=_caller(work), lock=True)
    check_version(row or _none(work), expected)
    if row is None:
        row = _none(work)
        row.version = None  # type: ignore[assignment]  # the mapper gives it with the row
        work.session.add(row)
    part = isinstance(fields, PreferencesUpdate)
    for name, value in (fields.given() if part else dict(fields)).items():
        if name == "messages":
            row.channels = _checked(work, fields.messages, row.channels if part else {})
        else:
            setattr(row, name, value)
    _check_hours(row)
    if work.session.is_modified(row) or row in work.session.new:
        work.record(PreferencesChosen(entity=row))
        await _replan(work, row)
        await work.flush()
    return _shown(work, row)


def _checked(work: Work, wanted: Mapping[str, Sequence[str]], known: Json) -> Json:
    """Return what differs from what is declared; raise Invalid naming the message."""
    declared = Telling.of(work.house).texts.messages
    chosen: dict[str, Json] = dict(known) if isinstance(known, dict) else {}
    for name, channels in wanted.items():
        message, field = declared.get(name), f"body.messages.{name}"
        if message is None:
            raise Invalid.field(field, "unknown", "is no kind of message")
        if set(channels) - set(message.channels):
            raise Invalid.field(field, "unavailable", f"can come by {' and '.join(message.channels)} only")
        if message.fixed and set(channels) != set(message.channels):
            raise Invalid.field(field, "fixed", "cannot be switched off")
        chosen.pop(name, None)
        if set(channels) != set(message.channels):
            chosen[name] = [*sorted(set(channels))]
    return chosen


def _check_hours(row: NotifyPreference) -> None:
    if (row.quiet_from is None) is not (row.quiet_until is None):
        missing = "quiet_from" if row.quiet_from is None else "quiet_until"
        raise Invalid.field(f"body.{missing}", "missing", "must be given: quiet hours have a beginning and an end")
    if row.quiet_from is not None and row.quiet_from == row.quiet_until:
        raise Invalid.field("body.quiet_until", "same", "must be another time than the beginning")


async def _replan(work: Work, row: NotifyPreference) -> None:
    """Plan what waits for a digest as the person wants it now."""
    held = await queries.list_held_notices(work, user_id=row.id, due=False, limit=MOST_HELD)
    if not held:
        return
    user, zone = (await recipients_of(work, [row.id]))[row.id], await zone_of(work)
    for notice in held:
        notice.due_at = work.now()
        plan_mail(notice, row, user, zone)
    work.telling = True


def _none(work: Work) -> NotifyPreference:
    now = work.now()
    return NotifyPreference(
        id=_caller(work),
        version=0,
        channels={},
        digest=Digest.OFF,
        digest_hour=8,
        quiet_from=None,
        quiet_until=None,
        created_at=now,
        updated_at=now,
    )


def _shown(work: Work, row: NotifyPreference) -> PreferencesOut:
    messages = Telling.of(work.house).texts.messages.values()
    return PreferencesOut(
        version=row.version,
        digest=row.digest,
        digest_hour=row.digest_hour,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        messages=[_choice(message, row) for message in sorted(messages, key=lambda each: each.name)],
    )


def _choice(message: Message, row: NotifyPreference) -> MessageChoice:
    return MessageChoice(
        name=message.name,
        title=message.title,
        channels=list(channels_of(message, row)),
        available=list(message.channels),
        fixed=message.fixed,
    )


def _caller(work: Work) -> UUID:
    assert work.actor.id is not None, "only the signed in come here"
    return work.actor.id
