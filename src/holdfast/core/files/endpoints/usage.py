"""How much room the files take."""

from holdfast.core.files.schemas import UsageOut
from holdfast.core.files.service import space
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=space.read_usage)
async def read_usage(work: WorkDep) -> UsageOut:
    """Show how much room the organisation's files take, how much it has, and which kinds of files take it."""
    return await space.read_usage(work)
