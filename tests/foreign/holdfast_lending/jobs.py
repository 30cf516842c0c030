"""Jobs of the foreign app."""

from holdfast.kernel.jobs import Run, job
from holdfast.kernel.work import Work
from holdfast_lending import service
from holdfast_lending.schemas import ItemCreate


@job("lending.item.count", retries=2)
async def add_counted(work: Work, *, number: int) -> None:
    """Add a thing with a number."""
    await service.add_item(work, ItemCreate(title=f"Thing {number}"))


@job("lending.item.many", timeout_seconds=60)
async def add_many(run: Run, *, count: int) -> None:
    """Add things, each in a unit of work of its own, from where an earlier attempt stopped."""
    for number in range(run.done or 0, count):
        if run.cancelled:
            return
        async with run.begin() as work:
            await service.add_item(work, ItemCreate(title=f"Many {number}"))
            await run.progress(number + 1, count)
