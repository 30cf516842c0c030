"""When a mail leaves: after quiet hours, or with the digest. Local times, so that clocks may be changed meanwhile."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from holdfast.core.notify.models import Digest

MONDAY = 0


def after_quiet(now: datetime, zone: str, quiet_from: str | None, quiet_until: str | None) -> datetime:
    """Return when a mail may leave: now, or in quiet hours, which may cross midnight, their end.

    An end that the clock skips or shows twice is the first moment at which it shows that time or a later one.
    """
    if quiet_from is None or quiet_until is None:
        return now
    begins, ends, local = (
        time.fromisoformat(quiet_from),
        time.fromisoformat(quiet_until),
        now.astimezone(ZoneInfo(zone)),
    )
    here = local.time().replace(tzinfo=None)
    inside = begins <= here < ends if begins < ends else (here >= begins or here < ends)
    if not inside:
        return now
    over = _at(local, ends, zone)
    return over if over > now else _at(local + timedelta(days=1), ends, zone)


def next_digest(now: datetime, zone: str, digest: Digest, hour: int) -> datetime:
    """Return when the next digest is due: at the hour, daily or on Monday."""
    local = now.astimezone(ZoneInfo(zone))
    for days in range(9):
        day = local + timedelta(days=days)
        due = _at(day, time(hour), zone)
        if due > now and (digest is Digest.DAILY or day.weekday() == MONDAY):
            return due
    raise AssertionError("a week has a Monday")


def _at(day: datetime, clock: time, zone: str) -> datetime:
    """Return the moment at which a clock there shows a time on the day of `day`."""
    return datetime.combine(day.date(), clock, ZoneInfo(zone)).astimezone(UTC)
