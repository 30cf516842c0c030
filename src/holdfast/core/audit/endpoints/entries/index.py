"""The trail."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.audit.queries import EntryList
from holdfast.core.audit.schemas import EntryBrief
from holdfast.core.audit.service import reading
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=reading.list_entries, answers=Page[EntryBrief])
async def list_entries(work: WorkDep, params: Annotated[EntryList, Query()]) -> Response:
    """List the entries of the organisation's trail, newest first."""
    return json_bytes(await reading.list_entries(work, params))
