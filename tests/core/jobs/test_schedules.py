"""Schedules: each time once, by whichever process comes first; what was missed; clocks that are set."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import samples_of_jobs as samples
from sqlalchemy import select, update

from background import until, working
from holdfast.core.jobs import queries
from holdfast.core.jobs.public import remove_old_jobs
from holdfast.kernel.errors import ConfigurationError, Invalid
from holdfast.kernel.jobs import JOBS, job
from holdfast.kernel.jobs.schedules import ALL_AT_MOST, Timetable, after, check, due
from holdfast.kernel.jobs.tables import JobRow, ScheduleRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.plugins import App, Schedule
from holdfast.kernel.tenancy import SYSTEM_TENANT, Tenant
from holdfast.kernel.work import Work
from holdfast.main import open_installation
from support import make_org


@job("tests.clock.strike")
async def strike(work: Work) -> None:
    """Do nothing."""


def schedule(name: str, **more: object) -> Schedule:
    return Schedule(name, job="tests.clock.strike", **{"cron": "*/5 * * * *", **more})


def app(*schedules: Schedule) -> App:
    return App(name="x", title="X", package="holdfast_lending", mount="x", schedules=schedules)


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong", [{"cron": "* *"}, {"zone": "Mars/Olympus"}, {"job": "no.such.job"}, {"cron": "0 0 30 2 *"}]
)
def test_a_schedule_that_cannot_come_stops_the_start(wrong) -> None:
    with pytest.raises(ConfigurationError, match=r"The schedule x\.y\.z"):
        check([app(Schedule("x.y.z", **{"job": "tests.clock.strike", "cron": "* * * * *", **wrong}))])


@pytest.mark.unit
def test_times_are_those_of_the_zone() -> None:
    daily = schedule("a.b.c", cron="30 2 * * *", zone="Europe/Berlin")
    assert after(daily, datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
    assert after(daily, datetime(2026, 7, 1, 12, tzinfo=UTC)) == datetime(2026, 7, 2, 0, 30, tzinfo=UTC)
    # The night of 29 March 2026 has no 02:30 in Berlin: the job comes when that would have been, once.
    assert after(daily, datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.unit
@pytest.mark.parametrize("stored", [None, "7x", []])
def test_stored_ids_of_another_form_are_refused_by_name(stored) -> None:
    with pytest.raises(Invalid, match=r"ids\.number"):
        JOBS["tests.company.add"].read({"number": stored})


async def struck(alone) -> list[JobRow]:
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        found = select(JobRow).where(JobRow.name == "tests.clock.strike").order_by(JobRow.id)
        return list(await work.session.scalars(found))


async def set_next(alone, name: str, moment: datetime) -> None:
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        table = ScheduleRow.__table__
        await work.link.connection.execute(update(table).where(table.c.name == name).values(next_at=moment))


async def next_of(alone, name: str) -> datetime:
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        return (await work.session.scalars(select(ScheduleRow).where(ScheduleRow.name == name))).one().next_at


def timetable(alone, *schedules: Schedule) -> Timetable:
    return Timetable(alone.works, alone.works.queue, check([app(*schedules)]))


@pytest.mark.service
@pytest.mark.portable
async def test_each_time_once_however_many_processes_look(alone, dialect) -> None:
    one = schedule("clock.each.time")
    second = open_installation(alone.settings)
    try:
        tables = [timetable(each, one) for each in (alone, second) for _ in range(3)]
        await asyncio.gather(*(each.tick() for each in tables))
        assert await struck(alone) == []
        await set_next(alone, one.name, alone.works.clock() - timedelta(minutes=1))
        tables = [timetable(each, one) for each in (alone, second) for _ in range(3)]
        await asyncio.gather(*(each.tick() for each in tables))
        assert len(await struck(alone)) == 1
        assert await next_of(alone, one.name) > alone.works.clock()
        await asyncio.gather(*(timetable(alone, one).tick() for _ in range(2)))
        assert len(await struck(alone)) == 1
    finally:
        await second.close()


@pytest.mark.service
@pytest.mark.portable
@pytest.mark.parametrize(("catch_up", "count"), [("once", 1), ("skip", 0), ("all", 6)])
async def test_what_was_missed(alone, dialect, catch_up, count) -> None:
    missed = schedule("clock.what.missed", cron="*/10 * * * *", catch_up=catch_up)
    await timetable(alone, missed).tick()
    hour = alone.works.clock().replace(minute=5, second=0, microsecond=0) - timedelta(hours=1)
    alone.works.clock = lambda: hour + timedelta(hours=1)
    if dialect == "sqlite":  # on servers the clock is the server's
        await set_next(alone, missed.name, hour + timedelta(minutes=5))
        await timetable(alone, missed).tick()
        assert len(await struck(alone)) == count


@pytest.mark.unit
@pytest.mark.parametrize(("catch_up", "count"), [("once", 1), ("skip", 1), ("all", ALL_AT_MOST)])
def test_a_time_that_has_just_come_is_not_missed_with_those_of_days(catch_up, count) -> None:
    now = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
    each_minute = schedule("clock.what.missed", cron="* * * * *", catch_up=catch_up)
    assert len(due(each_minute, now - timedelta(days=3), now)) == count


@pytest.mark.service
async def test_every_active_organisation_has_its_own(alone, dialect) -> None:
    each = schedule("clock.each.organization", each_organization=True)
    first, second, shut = [await make_org(alone) for _ in range(3)]
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        table = Tenant.__table__
        await work.link.connection.execute(update(table).where(table.c.id == shut.id).values(status="suspended"))
    await timetable(alone, each).tick()
    for _ in range(2):  # the second time finds those that still wait
        await set_next(alone, each.name, alone.works.clock() - timedelta(minutes=1))
        await timetable(alone, each).tick()
        jobs = await struck(alone)
        assert {SYSTEM_TENANT, first.id, second.id} <= {row.tenant_id for row in jobs}
        assert shut.id not in {row.tenant_id for row in jobs}
        assert len(jobs) == len({row.tenant_id for row in jobs})
    assert {(row.asked_by, row.state) for row in jobs} == {(None, "ready")}


@pytest.mark.service
async def test_a_clock_that_was_set_back_does_not_silence_a_schedule(alone, dialect) -> None:
    one = schedule("clock.set.back")
    await timetable(alone, one).tick()
    await set_next(alone, one.name, alone.works.clock() + timedelta(days=3))
    await timetable(alone, one).tick()
    assert await next_of(alone, one.name) <= alone.works.clock() + timedelta(minutes=5, seconds=5)


@pytest.mark.service
async def test_the_sweep_goes_on_until_nothing_old_is_left(alone, dialect, monkeypatch) -> None:
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    org = await make_org(alone)
    async with org.work() as work:
        for _ in range(5):
            await work.enqueue(samples.wait, number=1)
        for row in await work.session.scalars(select(JobRow).where(JobRow.tenant_id == org.id)):
            row.state, row.finished_at = "done", work.now() - timedelta(days=8)
    async with alone.works.begin(org.id, SYSTEM) as work:
        made = await work.enqueue(JOBS["jobs.job.sweep"])
    async with working(alone):
        assert (await until(alone, org.id, made)).state == "done"
    async with alone.works.begin(org.id, SYSTEM, write=False) as work:
        left = await work.session.scalars(select(JobRow.id).where(JobRow.tenant_id == org.id))
    assert list(left) == [made]


@pytest.mark.service
async def test_old_jobs_are_removed_after_their_time(alone, dialect) -> None:
    org, other = await make_org(alone), await make_org(alone)
    ages = [("done", 6), ("done", 8), ("cancelled", 8), ("failed", 8), ("failed", 91), ("ready", 91)]
    for each in (org, other):
        for state, days in ages:
            async with each.work() as work:
                made = await work.enqueue(samples.wait, number=days)
                row = (await work.session.scalars(select(JobRow).where(JobRow.id == made))).one()
                row.state, row.finished_at = state, work.now() - timedelta(days=days)
    async with alone.works.begin(org.id, SYSTEM) as work:
        assert await remove_old_jobs(work) == 3
    async with alone.works.begin(org.id, SYSTEM, write=False) as work:
        rows = (await work.session.scalars(select(JobRow))).all()
    left = {
        tenant: sorted((r.state.value, r.ids["number"]) for r in rows if r.tenant_id == tenant)
        for tenant in (org.id, other.id)
    }
    assert left[org.id] == [("done", 6), ("failed", 8), ("ready", 91)]
    assert len(left[other.id]) == 6
