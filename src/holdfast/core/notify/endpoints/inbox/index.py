"""The caller's inbox."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.notify.queries import InboxList
from holdfast.core.notify.schemas import InboxItem
from holdfast.core.notify.service import inbox
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=inbox.list_inbox, answers=Page[InboxItem])
async def list_inbox(work: WorkDep, params: Annotated[InboxList, Query()]) -> Response:
    """List what you were told, newest first, in your language."""
    return json_bytes(await inbox.list_inbox(work, params))
