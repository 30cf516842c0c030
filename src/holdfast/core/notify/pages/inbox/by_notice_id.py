"""Opening a message of one's inbox, and marking it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.notify.pages.inbox import INBOX
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import local_path, redirect
from holdfast.kernel.pages.forms import read_pairs

router = Routes()


@router.post(verb=inbox.mark_item, form=True)
async def open_item_by_form(request: Request, work: WorkDep, notice_id: UUID) -> Response:
    """Mark a message (form field `act`: read, unread or open), and go where it leads or back to the list."""
    fields = dict(await read_pairs(request))
    act = fields.get("act", "read")
    item = await inbox.mark_item(work, notice_id=notice_id, read=act != "unread")
    return redirect(request, item.link if act == "open" and item.link else local_path(fields.get("next"), INBOX))
