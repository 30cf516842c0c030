"""Schedules: jobs that come due by the clock, each time once however many processes there are.

Whoever first locks a schedule's row when its time has come enqueues its jobs and sets the next time, in one commit.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from cronsim import CronSim, CronSimError
from sqlalchemy import select

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.declaration import JOBS
from holdfast.kernel.jobs.queue import JobQueue
from holdfast.kernel.jobs.statements import database_now, fetch, run
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.plugins import App, Schedule
from holdfast.kernel.tenancy import SYSTEM_TENANT, Tenant
from holdfast.kernel.work import Work, Works

ALL_AT_MOST = 100  # times that passed, where each is to have its job
LATE = timedelta(minutes=1)  # a time that passed longer ago was missed
LOOK_SECONDS = 60.0
AGAIN = timedelta(seconds=1)

log = structlog.get_logger("holdfast.jobs")


def check(apps: Iterable[App]) -> Mapping[str, Schedule]:
    """Return every schedule by name; raise ConfigurationError for one of no job, no cron expression or no zone."""
    found = {each.name: each for app in apps for each in app.schedules}
    for each in found.values():
        job = JOBS.get(each.job)
        if job is None or job.arguments:
            raise ConfigurationError(f"The schedule {each.name} names {each.job}, which is no job without ids.")
        try:
            after(each, datetime(2000, 1, 1, tzinfo=UTC))
        except (CronSimError, LookupError, ValueError) as error:
            raise ConfigurationError(f"The schedule {each.name} ({each.cron}, {each.zone}): {error}") from error
    return found


def after(schedule: Schedule, moment: datetime) -> datetime:
    """Return the next time of a schedule after a moment; around a change of the clocks as Debian's cron does."""
    local = moment.astimezone(ZoneInfo(schedule.zone))
    try:
        return next(CronSim(schedule.cron, local)).astimezone(UTC)
    except StopIteration:
        raise ValueError("it never comes") from None


class Timetable:
    """The schedules of one process: asks the database only when one of them should be due."""

    def __init__(self, works: Works, queue: JobQueue, schedules: Mapping[str, Schedule]) -> None:
        self._works = works
        self._queue = queue
        self._schedules = schedules
        self._known = False
        # The next time at which one is due, and when that was found out.
        self._next = self._seen = datetime.max.replace(tzinfo=UTC)

    async def tick(self) -> float:
        """Enqueue what is due and return the seconds until the next look."""
        if not self._schedules:
            return LOOK_SECONDS
        works = self._works
        if not self._known:
            await self._make_known()
        link = await works.database.acquire(write=False)
        try:
            now = await database_now(link, works.clock)
        finally:
            await link.close()
        if now >= self._next or now < self._seen:  # the clock was set back, or this is the first look
            free = [await self._see_to(each) for each in self._schedules.values()]
            soon = now + AGAIN if False in free else datetime.max.replace(tzinfo=UTC)
            self._next = min(soon, *(after(each, now) for each in self._schedules.values()))
        self._seen = now
        return max(0.05, min(LOOK_SECONDS, (self._next - now).total_seconds()))

    async def _make_known(self) -> None:
        async with self._works.begin(SYSTEM_TENANT, SYSTEM) as work:
            now = await database_now(work.link, self._works.clock)
            for each in self._schedules.values():
                row = {"name": each.name, "spec": _spec(each), "next_at": after(each, now)}
                await run(work.link, statements.plan_schedule, row)
        self._known = True

    async def _see_to(self, schedule: Schedule) -> bool:
        """Enqueue the jobs of one schedule where it is due; return False where another worker has it in hand."""
        async with self._works.begin(SYSTEM_TENANT, SYSTEM) as work:
            now = await database_now(work.link, self._works.clock)
            rows = await fetch(work.link, statements.schedule, {"name": schedule.name})
            if not rows:
                return False
            spec, next_at = rows[0]
            following = after(schedule, now)
            row = {"name": schedule.name, "spec": _spec(schedule), "next_at": following, "last_at": now}
            if spec != _spec(schedule) or next_at is None or next_at > following:
                # It is another one by now, or the clock was set back.
                await run(work.link, statements.set_schedule, row)
            elif next_at <= now:
                for moment in due(schedule, next_at, now):
                    await self._enqueue(work, schedule, moment)
                await run(work.link, statements.set_schedule, row)
            return True

    async def _enqueue(self, work: Work, schedule: Schedule, moment: datetime) -> None:
        """Enqueue the job of one time, for the operators or for every active organisation."""
        # One that waits since the last time is enough, unless each time is to have its own.
        unique = f"{schedule.name} {moment.isoformat()}" if schedule.catch_up == "all" else schedule.name
        tenants: list[UUID] = [SYSTEM_TENANT]
        if schedule.each_organization:
            active = select(Tenant.id).where(Tenant.status == "active").order_by(Tenant.id)
            tenants = list((await work.session.scalars(active)).all())
        await self._queue.put_for(work, tenants, JOBS[schedule.job], unique=unique)
        log.info("schedule.due", schedule=schedule.name, organizations=len(tenants))


def _spec(schedule: Schedule) -> str:
    return f"{schedule.cron} {schedule.zone}"


def due(schedule: Schedule, first: datetime, now: datetime) -> list[datetime]:
    """Return the times that have come and are to have a job."""
    times: list[datetime] = []
    if schedule.catch_up == "skip":  # past what was missed, however much that is
        first = max(first, after(schedule, now - LATE - timedelta(microseconds=1)))
    while first <= now and len(times) < ALL_AT_MOST:
        times.append(first)
        first = after(schedule, first)
    if schedule.catch_up == "skip":
        return times[-1:]
    return times if schedule.catch_up == "all" else times[-1:]
