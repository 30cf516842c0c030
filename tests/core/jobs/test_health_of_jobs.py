"""What health and metrics tell of jobs: late, stopped, paused, and how far behind."""

import asyncio
from datetime import timedelta

import pytest
import samples_of_jobs as samples
from sqlalchemy import update

from background import quick, working
from holdfast.front import LATE_SECONDS, Health
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from support import make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def told(home, engine=None) -> tuple[str, bytes, int]:
    health = Health(home.database, home.works.settings, home.apps, home.works.clock, engine=engine)
    ready = await health.ready(None)
    component = (await health.components(None)).body
    return component.partition(b'"jobs":"')[2].partition(b'"')[0].decode(), ready.body, ready.status_code


async def test_a_job_that_is_due_for_long_makes_them_late(alone) -> None:
    org = await make_org(alone)
    assert await told(alone) == ("up", b'{"status":"ok"}', 200)
    async with org.work() as work:
        made = await work.enqueue(samples.wait, number=1)
    assert (await told(alone))[0] == "up"
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        due = alone.works.clock() - timedelta(seconds=LATE_SECONDS + 5)
        await work.link.connection.execute(update(JobRow.__table__).where(JobRow.id == made).values(run_at=due))
    assert await told(alone) == ("late", b'{"status":"ok","jobs":"late"}', 200)
    await alone.count()
    assert alone.telemetry.registry.get_sample_value("holdfast_jobs_lag_seconds") >= LATE_SECONDS
    quick(alone, read_only=True)
    assert (await told(alone))[0] == "paused"
    quick(alone, read_only=False)


async def test_an_engine_that_does_not_turn_any_more_is_stopped(alone, monkeypatch) -> None:
    async with working(alone) as engines:
        await asyncio.sleep(0.1)
        [engine] = engines
        assert engine.alive()
        assert (await told(alone, engine))[0] == "up"
        alone.telemetry.engine_up.set_function(engine.alive)
        up = alone.telemetry.registry.get_sample_value
        assert up("holdfast_jobs_engine_up") == 1
        engine._loops[1].cancel()
        await asyncio.wait([engine._loops[1]])
        assert await told(alone, engine) == ("stopped", b'{"status":"ok","jobs":"stopped"}', 200)
        assert up("holdfast_jobs_engine_up") == 0
    async with working(alone) as engines:
        await asyncio.sleep(0.1)
        [engine] = engines
        assert engine.alive()
        monkeypatch.setattr("holdfast.kernel.jobs.engine.STALLED_SECONDS", -1.0)
        await asyncio.sleep(0.5)
        assert not engine.alive(), "a step that hangs ends no task"
