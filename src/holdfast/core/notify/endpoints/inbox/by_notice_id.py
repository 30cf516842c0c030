"""One message of the caller's inbox."""

from uuid import UUID

from holdfast.core.notify.schemas import InboxItem, InboxUpdate
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=inbox.read_item)
async def read_inbox_item(work: WorkDep, notice_id: UUID) -> InboxItem:
    """Show a message of your inbox."""
    return await inbox.read_item(work, notice_id=notice_id)


@router.patch(verb=inbox.mark_item)
async def mark_inbox_item(work: WorkDep, notice_id: UUID, body: InboxUpdate) -> InboxItem:
    """Mark a message of your inbox as read, or as not read."""
    return await inbox.mark_item(work, notice_id=notice_id, read=body.read)
