"""Jobs of the tests alone: they come with this file, and belong to no app."""

import asyncio
import enum
from collections.abc import Awaitable, Callable
from uuid import UUID

from holdfast.core.directory.schemas import CompanyCreate
from holdfast.core.directory.service.companies import create_company
from holdfast.kernel.errors import NotFound, Unavailable
from holdfast.kernel.jobs import Run, job
from holdfast.kernel.work import Work


class Way(enum.StrEnum):
    """How an attempt goes wrong."""

    RAISE = "raise"
    MISS = "miss"
    AWAY = "away"
    SECRET = "secret"


# What a test has a handler do besides, by the number that the job names.
HOOKS: dict[int, Callable[[Work], Awaitable[None]]] = {}
BEGUN: list[int] = []
RUNNING: dict[UUID, int] = {}
MOST: dict[UUID, int] = {}
_CODE = "J-{}"


@job("tests.company.add", retries=2)
async def add_company(work: Work, *, number: int) -> None:
    BEGUN.append(number)
    await create_company(work, CompanyCreate(code=_CODE.format(number), name=f"Number {number}"))
    await work.flush()
    if number in HOOKS:
        await HOOKS[number](work)


@job("tests.company.fail", retries=1)
async def fail(work: Work, *, way: Way, number: int) -> None:
    await create_company(work, CompanyCreate(code=_CODE.format(number), name="Never there"))
    await work.flush()
    match way:
        case Way.RAISE:
            raise ValueError("something broke")
        case Way.MISS:
            raise NotFound("There is no such thing.")
        case Way.AWAY:
            raise Unavailable("Not now.")
        case Way.SECRET:
            raise ValueError("token=hf_live_0123456789abcdef " + "x" * 2000)


@job("tests.company.slow", timeout_seconds=0.2, retries=0)
async def too_slow(work: Work) -> None:
    await asyncio.sleep(5)


@job("tests.company.many", concurrency=2)
async def one_of_many(run: Run, *, number: int) -> None:
    tenant = run.claimed.tenant_id
    BEGUN.append(number)
    RUNNING[tenant] = RUNNING.get(tenant, 0) + 1
    MOST[tenant] = max(MOST.get(tenant, 0), RUNNING[tenant])
    await asyncio.sleep(0.02)
    RUNNING[tenant] -= 1


@job("tests.company.long")
async def long(run: Run, *, count: int) -> None:
    for number in range(run.done or 0, count):
        if run.cancelled:
            return
        async with run.begin() as work:
            await create_company(work, CompanyCreate(code=f"L-{number}", name=f"Number {number}"))
            await run.progress(number + 1, count)
        if number in HOOKS:
            async with run.begin() as work:
                await HOOKS[number](work)


@job("tests.company.wait")
async def wait(run: Run, *, number: int) -> None:
    BEGUN.append(number)
    await asyncio.sleep(0.01)


# What a test has the next job do between its units of work.
PAUSE: dict[int, Callable[[Run], Awaitable[None]]] = {}


@job("tests.company.paused")
async def paused(run: Run, *, count: int) -> None:
    for number in range(run.done or 0, count):
        if 0 in PAUSE and number == 1:
            await PAUSE[0](run)
        async with run.begin() as work:
            await create_company(work, CompanyCreate(code=f"L-{number}", name=f"Number {number}"))
            await run.progress(number + 1, count)
