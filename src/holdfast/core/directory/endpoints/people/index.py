"""The list of people."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import PersonList
from holdfast.core.directory.schemas import PersonOut
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=people.list_people, answers=Page[PersonOut])
async def list_people(work: WorkDep, params: Annotated[PersonList, Query()]) -> Response:
    """List people: search, filter, sort, page."""
    return json_bytes(await people.list_people(work, params))
