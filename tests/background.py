"""Engines for tests: started on an installation, stopped at the end of the block."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select

from holdfast.core.jobs.models import JobAttempt
from holdfast.kernel.jobs.engine import Engine
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation


def quick(home: Installation, **settings: object) -> None:
    """Let engines that start from now on look and give up quickly, and otherwise as the test asks."""
    chosen = {"jobs_poll_seconds": 0.05, "jobs_lease_seconds": 1.0, **settings}
    home.works.settings = home.works.settings.model_copy(update=chosen)


OVER = {"done", "failed", "cancelled"}


@asynccontextmanager
async def working(home: Installation, *, count: int = 1, seconds: float = 5) -> AsyncIterator[list[Engine]]:
    engines = [home.engine() for _ in range(count)]
    for engine in engines:
        engine.start()
    try:
        yield engines
    finally:
        for engine in engines:
            await engine.stop(seconds)


async def job_of(home: Installation, tenant_id: UUID, job_id: UUID) -> JobRow:
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        return (await work.session.scalars(select(JobRow).where(JobRow.id == job_id))).one()


async def troubles_of(home: Installation, tenant_id: UUID, job_id: UUID) -> list[JobAttempt]:
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        rows = select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.id)
        return list(await work.session.scalars(rows))


async def until(home: Installation, tenant_id: UUID, job_id: UUID, *states: str, seconds: float = 20) -> JobRow:
    """Wait until a job is in one of the states, or over."""
    wanted = set(states) or OVER
    end = time.monotonic() + seconds
    while True:
        job = await job_of(home, tenant_id, job_id)
        if job.state in wanted:
            return job
        assert time.monotonic() < end, f"{job.name} is {job.state} after {seconds} s, wanted {wanted}"
        await asyncio.sleep(0.01)
