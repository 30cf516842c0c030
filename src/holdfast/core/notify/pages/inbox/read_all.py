"""Having read everything."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.notify.pages.inbox import INBOX
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=inbox.mark_all, form=True)
async def mark_all_by_form(request: Request, work: WorkDep) -> Response:
    """Mark everything as read."""
    await inbox.mark_all(work)
    return redirect(request, INBOX, flash="Everything is marked as read.")
