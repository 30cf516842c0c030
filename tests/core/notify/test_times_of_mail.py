"""When mails leave: quiet hours and digests, in the person's time, also when the clocks change."""

from datetime import UTC, datetime

import pytest

from holdfast.core.notify.models import Digest
from holdfast.core.notify.service.times import after_quiet, next_digest

pytestmark = pytest.mark.unit
BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "quiet", "due"),
    [
        ("2026-01-10 20:59", BERLIN, ("22:00", "06:00"), "2026-01-10 20:59"),
        ("2026-01-10 21:00", BERLIN, ("22:00", "06:00"), "2026-01-11 05:00"),
        ("2026-01-11 04:59", BERLIN, ("22:00", "06:00"), "2026-01-11 05:00"),
        ("2026-01-11 05:00", BERLIN, ("22:00", "06:00"), "2026-01-11 05:00"),
        ("2026-01-10 12:30", "UTC", ("12:00", "14:00"), "2026-01-10 14:00"),
        ("2026-01-10 14:00", "UTC", ("12:00", "14:00"), "2026-01-10 14:00"),
        # The night of 29 March is an hour shorter, that of 25 October an hour longer.
        ("2026-03-28 22:30", BERLIN, ("22:00", "06:00"), "2026-03-29 04:00"),
        ("2026-10-24 21:30", BERLIN, ("22:00", "06:00"), "2026-10-25 05:00"),
        # 02:30 is left out that night, and shown twice the other.
        ("2026-03-28 23:30", BERLIN, ("22:00", "02:30"), "2026-03-29 01:30"),
        ("2026-10-24 23:30", BERLIN, ("22:00", "02:30"), "2026-10-25 00:30"),
        ("2026-01-10 12:00", "UTC", (None, None), "2026-01-10 12:00"),
    ],
)
def test_quiet_hours_end_as_the_clock_on_the_wall_says(now, zone, quiet, due) -> None:
    assert after_quiet(at(now), zone, *quiet) == at(due)


@pytest.mark.parametrize(
    ("now", "zone", "digest", "hour", "due"),
    [
        ("2026-01-10 06:59", BERLIN, Digest.DAILY, 8, "2026-01-10 07:00"),
        ("2026-01-10 07:00", BERLIN, Digest.DAILY, 8, "2026-01-11 07:00"),
        ("2026-03-28 07:00", BERLIN, Digest.DAILY, 8, "2026-03-29 06:00"),
        ("2026-01-10 07:00", BERLIN, Digest.WEEKLY, 8, "2026-01-12 07:00"),  # a Saturday
        ("2026-01-12 07:00", BERLIN, Digest.WEEKLY, 8, "2026-01-19 07:00"),
        ("2026-01-10 20:00", "Asia/Kolkata", Digest.DAILY, 0, "2026-01-11 18:30"),
    ],
)
def test_a_digest_is_due_at_its_hour(now, zone, digest, hour, due) -> None:
    assert next_digest(at(now), zone, digest, hour) == at(due)
