"""What tests of jobs share."""

import asyncio

import pytest
import samples_of_jobs
from sqlalchemy import delete

from background import quick
from holdfast.kernel.jobs.tables import JobRow, ScheduleRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from support import installation_on


@pytest.fixture(scope="session")
async def queues():
    """Give the installation on a database whose queue other tests leave alone."""
    made, stack, lock = {}, [], asyncio.Lock()

    async def home(dialect: str):
        async with lock:
            if dialect not in made:
                stack.append(installation_on(dialect))
                made[dialect] = await stack[-1].__aenter__()
            return made[dialect]

    yield home
    for context in reversed(stack):
        await context.__aexit__(None, None, None)


@pytest.fixture
async def alone(queues, dialect):
    """An installation whose queue is empty, and the test's alone."""
    home = await queues(dialect)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        for table in (JobRow.__table__, ScheduleRow.__table__):
            await work.link.connection.execute(delete(table).where(table.c.name != "jobs.gate"))
    clock, settings = home.works.clock, home.works.settings
    quick(home)
    yield home
    home.works.clock, home.works.settings = clock, settings


@pytest.fixture(autouse=True)
def forgotten():
    """Nothing that an earlier test noted or asked for."""
    for name in ("HOOKS", "BEGUN", "RUNNING", "MOST", "PAUSE"):
        kept = getattr(samples_of_jobs, name)
        kept.clear()
