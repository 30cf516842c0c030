"""Jobs from the row to their end: done once with what they change, tried again, given up, cancelled, rescued."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import samples_of_jobs as samples
from sqlalchemy import select, update

from background import job_of, quick, troubles_of, until, working
from holdfast.core.audit.models import AuditEntry
from holdfast.core.directory.models import Company
from holdfast.core.jobs.facts import JobFailed
from holdfast.core.jobs.public import Troubles
from holdfast.core.jobs.service.jobs import cancel_job, retry_job
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.jobs import Priority, outcomes
from holdfast.kernel.jobs.tables import JobRow, ScheduleRow
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import open_installation
from support import Org, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


@pytest.fixture
async def ours(alone) -> Org:
    return await make_org(alone)


async def codes(org: Org) -> list[str]:
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        return sorted(await work.session.scalars(select(Company.code)))


async def enqueue(org: Org, job, *, role: str = "admin", **asked):
    async with org.work(role) as work:
        return await work.enqueue(job, **asked)


async def change(home, job_id, **values) -> None:
    async with home.works.begin(uuid4(), SYSTEM) as work:
        await work.link.connection.execute(update(JobRow.__table__).where(JobRow.id == job_id).values(**values))


async def test_a_job_is_done_once_with_what_it_changes(alone, ours) -> None:
    first = await enqueue(ours, samples.add_company, number=1)
    assert (await job_of(alone, ours.id, first)).state == "ready"
    async with working(alone):
        job = await until(alone, ours.id, first)
    assert (job.state, job.attempts, job.asked_by, job.lease_token) == ("done", 1, ours.admin.id, None)
    assert await codes(ours) == ["J-1"]


async def test_metrics_tell_of_what_waits_and_what_ran(alone, ours) -> None:
    await enqueue(ours, samples.wait, number=1, delay=timedelta(hours=1))
    first = await enqueue(ours, samples.add_company, number=1)
    async with working(alone):
        await until(alone, ours.id, first)
    await alone.count()
    value = alone.telemetry.registry.get_sample_value
    assert value("holdfast_jobs_waiting", {"state": "ready"}) == 1
    assert value("holdfast_jobs_lag_seconds") < 5
    job = {"job": "tests.company.add"}
    assert value("holdfast_jobs_total", {**job, "outcome": "done"}) >= 1
    assert value("holdfast_job_wait_seconds_count", job) >= 1
    assert value("holdfast_job_duration_seconds_count", job) >= 1


async def test_what_is_rolled_back_asks_for_nothing(alone, ours) -> None:
    async def asked_in_vain() -> None:
        async with ours.work() as work:
            await work.enqueue(samples.add_company, number=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await asked_in_vain()
    async with working(alone):
        await asyncio.sleep(0.3)
    assert samples.BEGUN == []


@pytest.mark.parametrize(
    ("way", "attempts", "kind", "error"),
    [("raise", 2, "error", "ValueError"), ("miss", 1, "refused", "NOT_FOUND"), ("secret", 2, "error", "ValueError")],
)
async def test_what_goes_wrong_is_tried_again_where_that_may_help(alone, ours, way, attempts, kind, error) -> None:
    made = await enqueue(ours, samples.fail, way=samples.Way(way), number=7)
    async with working(alone):
        job = await until(alone, ours.id, made)
    assert (job.state, job.attempts) == ("failed", attempts)
    assert await codes(ours) == [], "what a failed attempt wrote is rolled back"
    troubles = await troubles_of(alone, ours.id, made)
    assert [(each.attempt, each.kind, each.error) for each in troubles] == [
        (at + 1, kind, error) for at in range(attempts)
    ]
    assert all(len(each.message) <= 500 and "0123456789abcdef" not in each.message for each in troubles)


async def test_what_is_out_of_reach_is_tried_beyond_the_retries(alone, ours) -> None:
    made = await enqueue(ours, samples.fail, way=samples.Way.AWAY, number=7)
    async with working(alone):
        while (await job_of(alone, ours.id, made)).failures < 3:
            await change(alone, made, run_at=alone.works.clock() - timedelta(hours=1))
            await asyncio.sleep(0.1)
    assert (await job_of(alone, ours.id, made)).state in {"ready", "running"}


async def test_an_attempt_that_takes_too_long_is_ended(alone, ours) -> None:
    made = await enqueue(ours, samples.too_slow)
    async with working(alone):
        assert (await until(alone, ours.id, made)).state == "failed"
    assert [each.kind for each in await troubles_of(alone, ours.id, made)] == ["timeout"]


async def test_a_failure_for_good_is_in_the_trail_and_a_person_has_it_tried_again(alone, ours) -> None:
    made = await enqueue(ours, samples.fail, way=samples.Way.MISS, number=7)
    async with working(alone):
        await until(alone, ours.id, made)
        async with ours.work() as work:
            await retry_job(work, job_id=made)
        await until(alone, ours.id, made, "failed")
        while len(await troubles_of(alone, ours.id, made)) < 2:
            await asyncio.sleep(0.02)
    job = await until(alone, ours.id, made)
    assert (job.state, job.attempts) == ("failed", 2)


async def test_rights_are_those_of_today(alone, ours) -> None:
    refused = await enqueue(ours, samples.add_company, role="viewer", number=1)
    async with working(alone):
        assert (await until(alone, ours.id, refused)).state == "failed"
    assert [each.error for each in await troubles_of(alone, ours.id, refused)] == ["FORBIDDEN"]
    assert await codes(ours) == []


async def test_an_operator_with_emergency_access_leaves_no_work(alone, ours) -> None:
    with pytest.raises(Forbidden, match="Emergency access"):
        async with alone.works.begin(ours.id, Actor("operator", uuid4())) as work:
            await work.enqueue(samples.add_company, number=1)


@pytest.mark.parametrize("ids", [{}, {"number": "1"}, {"number": True}, {"number": 1, "more": 2}, {"number": None}])
async def test_ids_of_another_kind_are_refused_naming_them(ours, ids) -> None:
    with pytest.raises(TypeError, match=r"number|more"):
        async with ours.work() as work:
            await work.enqueue(samples.add_company, **ids)


async def test_one_that_waits_is_enough_and_one_that_runs_is_not(alone, ours) -> None:
    same = [await enqueue(ours, samples.wait, unique="all", number=at) for at in range(3)]
    assert len(set(same)) == 1
    assert await enqueue(ours, samples.wait, unique="other", number=9) not in same
    async with working(alone):
        await until(alone, ours.id, same[0])
    assert await enqueue(ours, samples.wait, unique="all", number=5) not in same


async def test_what_goes_first(alone, ours) -> None:
    quick(alone, jobs_concurrency=1)
    await enqueue(ours, samples.wait, number=1, priority=Priority.LOW)
    await enqueue(ours, samples.wait, number=2)
    await enqueue(ours, samples.wait, number=3)
    await enqueue(ours, samples.wait, number=4, priority=Priority.HIGH)
    later = await enqueue(ours, samples.wait, number=5, priority=Priority.HIGH, delay=timedelta(seconds=1))
    async with working(alone):
        await until(alone, ours.id, later)
    assert samples.BEGUN == [4, 2, 3, 1, 5]


async def test_no_more_of_a_tenant_run_at_once_than_the_job_says(alone, ours) -> None:
    other = await make_org(alone)
    made = [await enqueue(org, samples.one_of_many, number=at) for at in range(8) for org in (ours, other)]
    async with working(alone, count=3):
        for at, job_id in enumerate(made):
            await until(alone, (ours, other)[at % 2].id, job_id)
    assert {ours.id: 2, other.id: 2} == samples.MOST
    assert sorted(samples.BEGUN) == sorted([*range(8), *range(8)])


async def test_a_busy_tenant_leaves_room_for_another(alone, ours) -> None:
    other = await make_org(alone)
    for at in range(60):
        await enqueue(ours, samples.wait, number=at)
    last = await enqueue(other, samples.wait, number=1000)
    async with working(alone):
        await until(alone, other.id, last)
        assert samples.BEGUN.index(1000) < 30, "the other organisation's job waited for nearly all of the busy one's"


async def test_a_job_that_waits_is_cancelled_for_good(alone, ours) -> None:
    made = await enqueue(ours, samples.add_company, number=1)
    async with ours.work() as work:
        assert (await cancel_job(work, job_id=made)).state == "cancelled"
    async with working(alone):
        await asyncio.sleep(0.3)
    assert await codes(ours) == []


async def test_a_job_that_runs_is_rolled_back_when_it_is_cancelled(alone, ours) -> None:
    async def cancelled(work) -> None:
        if work.link.dialect == "sqlite":  # its one writer is this job
            await change_here(work)
        else:
            async with ours.work() as another:
                await cancel_job(another, job_id=made)

    async def change_here(work) -> None:
        await work.link.connection.execute(update(JobRow.__table__).where(JobRow.id == made).values(cancel_asked=True))

    made = await enqueue(ours, samples.long, count=3)
    samples.HOOKS[0] = cancelled
    async with working(alone):
        job = await until(alone, ours.id, made)
    assert (job.state, job.progress_done, job.progress_total) == ("cancelled", 1, 3)
    assert await codes(ours) == ["L-0"]


async def test_what_was_cancelled_before_its_worker_died_does_not_run_again(alone, ours) -> None:
    made = await enqueue(ours, samples.add_company, number=1)
    gone = {"state": "running", "lease_token": uuid4(), "lease_until": alone.works.clock() - timedelta(minutes=1)}
    await change(alone, made, **gone, worker_id=uuid4())
    async with ours.work() as work:
        assert (await cancel_job(work, job_id=made)).cancel_asked
    async with working(alone):
        job = await until(alone, ours.id, made)
    assert (job.state, job.crashes, job.lease_token) == ("cancelled", 0, None)
    assert await codes(ours) == []


async def test_who_lost_the_lease_commits_nothing(alone, ours) -> None:
    """Another worker has the job by the time that this one is done: the fence is in the commit, not in a clock."""

    async def lost(work) -> None:
        await work.link.connection.execute(
            update(JobRow.__table__).where(JobRow.id == made).values(lease_token=uuid4())
        ) if work.link.dialect == "sqlite" else await change(alone, made, lease_token=uuid4())

    samples.HOOKS[1] = lost
    made = await enqueue(ours, samples.add_company, number=1)
    async with working(alone):
        while not samples.BEGUN:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        if alone.database.dialect != "sqlite":
            assert (await job_of(alone, ours.id, made)).state == "running"
    assert await codes(ours) == []


async def test_a_worker_that_is_gone_is_replaced_and_the_third_crash_is_the_last(alone, ours, monkeypatch) -> None:
    monkeypatch.setattr(outcomes.random, "uniform", lambda _, longest: longest + 60)  # nobody begins with it here
    made = await enqueue(ours, samples.add_company, number=1)
    for crash in (1, 2, 3):
        gone = {"state": "running", "lease_token": uuid4(), "lease_until": alone.works.clock() - timedelta(minutes=1)}
        await change(alone, made, **gone, worker_id=uuid4())
        async with working(alone):
            job = await until(alone, ours.id, made, "ready", "failed")
        assert (job.crashes, job.state, job.lease_token) == (crash, "failed" if crash == 3 else "ready", None)
    assert [each.kind for each in await troubles_of(alone, ours.id, made)] == ["crash"] * 3
    async with alone.works.begin(ours.id, SYSTEM, write=False) as work:
        assert (
            await work.session.scalar(select(AuditEntry.entity_id).where(AuditEntry.action == JobFailed.action)) == made
        )


async def test_what_a_worker_claimed_unheard_is_rescued_though_it_lives(alone, ours) -> None:
    """The answer to a commit was lost, or an end could not be written: a job in its worker's name that it runs not."""
    other = await enqueue(ours, samples.add_company, number=2, delay=timedelta(hours=1))
    runs = await enqueue(ours, samples.paused, count=2)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def pause(_) -> None:
        reached.set()
        await asyncio.wait_for(go_on.wait(), 30)

    samples.PAUSE[0] = pause
    async with working(alone) as engines:
        await reached.wait()  # its lease is kept meanwhile, and no other one
        late = alone.works.clock() - timedelta(seconds=1)
        mine = {"state": "running", "lease_token": uuid4(), "lease_until": late, "worker_id": engines[0].worker_id}
        await change(alone, other, **mine)
        await change(alone, other, lease_until=alone.works.clock() + timedelta(seconds=0.6))
        job = await until(alone, ours.id, other, "ready", "done", seconds=10)
        go_on.set()
        assert (await until(alone, ours.id, runs)).crashes == 0
    assert job.crashes == 1


class FullDisk(Troubles):
    """Cannot keep what went wrong with one job."""

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id

    async def tell(self, work, claimed, trouble, *, final) -> None:
        if claimed.id == self.job_id:
            raise OSError("no space left")
        await super().tell(work, claimed, trouble, final=final)


async def test_one_that_cannot_be_settled_does_not_stop_the_rescue_of_others(alone, ours) -> None:
    bad, good = [await enqueue(ours, samples.add_company, number=at) for at in (1, 2)]
    for minutes, job_id in ((2, bad), (1, good)):
        late = alone.works.clock() - timedelta(minutes=minutes)
        await change(alone, job_id, state="running", lease_token=uuid4(), lease_until=late, worker_id=uuid4())
    engine = alone.engine()
    engine._outcomes = FullDisk(bad)
    engine.start()
    try:
        await until(alone, ours.id, good)
    finally:
        await engine.stop(5)
    assert await codes(ours) == ["J-2"]


@pytest.mark.only("sqlite")  # on others leases go by the server's clock
async def test_what_runs_here_is_not_taken_for_dead_where_the_clock_was_set(alone, ours) -> None:
    real, ahead = alone.works.clock, timedelta(0)
    alone.works.clock = lambda: real() + ahead
    reached = asyncio.Event()

    async def pause(_) -> None:
        nonlocal ahead
        ahead = timedelta(hours=1)
        reached.set()
        await asyncio.sleep(0.6)  # the engine looks for dead workers every third of a second

    samples.PAUSE[0] = pause
    made = await enqueue(ours, samples.paused, count=2)
    async with working(alone):
        await reached.wait()
        job = await until(alone, ours.id, made)
    assert (job.state, job.attempts, job.crashes) == ("done", 1, 0)


async def test_nothing_runs_while_nothing_may_be_changed(alone, ours) -> None:
    made = await enqueue(ours, samples.add_company, number=1)
    lost = await enqueue(ours, samples.add_company, number=2)
    late = alone.works.clock() - timedelta(minutes=1)
    await change(alone, lost, state="running", lease_token=uuid4(), lease_until=late, worker_id=uuid4())
    quick(alone, read_only=True)
    async with working(alone):
        await asyncio.sleep(0.5)
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        planned = (await work.session.scalars(select(ScheduleRow.name))).all()
    assert list(planned) == ["jobs.gate"]
    assert [(await job_of(alone, ours.id, each)).state for each in (made, lost)] == ["ready", "running"]
    quick(alone, read_only=False)
    async with working(alone):
        await until(alone, ours.id, made)


async def test_a_stopping_worker_gives_back_what_it_cannot_finish(alone, ours) -> None:
    begun = asyncio.Event()

    async def hang(_) -> None:
        begun.set()
        await asyncio.sleep(60)

    samples.HOOKS[1] = hang
    made = await enqueue(ours, samples.add_company, number=1)
    async with working(alone, seconds=0.1):
        await begun.wait()
    job = await job_of(alone, ours.id, made)
    assert (job.state, job.failures, job.crashes) == ("ready", 0, 0)
    samples.HOOKS.clear()
    async with working(alone):
        await until(alone, ours.id, made)
    assert await codes(ours) == ["J-1"]


@pytest.mark.only("postgresql")  # on others others are polled
async def test_another_process_is_woken_at_once(alone, ours) -> None:
    second = open_installation(alone.settings)
    quick(second, jobs_poll_seconds=30.0)
    try:
        alone.waker.start()
        second.waker.start()
        async with working(second):
            await asyncio.sleep(0.5)
            made = await enqueue(ours, samples.wait, number=1)
            await until(alone, ours.id, made, seconds=3)
    finally:
        await alone.waker.stop()
        await second.waker.stop()
        await second.close()


@pytest.mark.only("sqlite")  # on others leases go by the server's clock
async def test_a_clock_that_jumps_lets_another_try_and_neither_twice(alone, ours) -> None:
    """On SQLite leases go by the process's clock: an hour ahead they are over, and the first worker is not done."""
    second = open_installation(alone.settings)
    quick(second)
    real, ahead = second.works.clock, timedelta(0)
    second.works.clock = lambda: real() + ahead
    reached, go_on = asyncio.Event(), asyncio.Event()
    began = 0

    async def pause(_) -> None:
        nonlocal began
        began += 1
        reached.set()
        if began == 1:
            await asyncio.wait_for(go_on.wait(), 10)

    made = await enqueue(ours, samples.paused, count=3)
    samples.PAUSE[0] = pause
    try:
        async with working(alone), working(second):
            await reached.wait()
            ahead = timedelta(hours=1)
            while began < 2:
                await asyncio.sleep(0.05)
                ahead += timedelta(hours=1)
            ahead = timedelta(hours=-1)
            go_on.set()
            await asyncio.sleep(0.2)
            ahead = timedelta(hours=9)
            await until(alone, ours.id, made)
    finally:
        await second.close()
    assert await codes(ours) == ["L-0", "L-1", "L-2"]
    assert (await job_of(alone, ours.id, made)).crashes >= 1
