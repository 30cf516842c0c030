"""Having read everything."""

from holdfast.core.notify.schemas import AllRead
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=inbox.mark_all)
async def mark_all_read(work: WorkDep) -> AllRead:
    """Mark everything in your inbox as read."""
    return AllRead(count=await inbox.mark_all(work))
