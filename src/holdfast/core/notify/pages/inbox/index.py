"""One's inbox."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.notify.queries import InboxList
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=inbox.list_inbox)
async def show_inbox(request: Request, work: WorkDep) -> Response:
    """Show what one was told, newest first."""
    params = read_query(request, InboxList)
    items, meta = await inbox.browse_inbox(work, params)
    return render(request, "notify/inbox.html", work=work, items=items, meta=meta, params=params)
