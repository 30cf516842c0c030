"""One act."""

from acting import service
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=service.watch)
async def watch(work: WorkDep, name: str):
    """Return whatever the act returns."""
    return await service.watch(work, name=name)


@router.post(verb=service.perform)
async def perform(work: WorkDep, name: str):
    """Return whatever the act returns."""
    return await service.perform(work, name=name)
