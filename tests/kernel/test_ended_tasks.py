"""Ending a task that does not hear at once."""

import asyncio
from contextlib import suppress

import pytest

from holdfast.kernel.jobs.waking import ended

pytestmark = pytest.mark.unit


async def test_a_task_whose_driver_swallows_the_first_word_is_ended_all_the_same() -> None:
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while heard < 2:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            heard += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await ended(task)
    assert (task.cancelled(), heard) == (True, 2)


async def test_what_a_task_fails_with_is_not_lost() -> None:
    async def fails() -> None:
        raise LookupError("why")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    with pytest.raises(LookupError, match="why"):
        await ended(task)
