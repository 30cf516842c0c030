"""The list of people."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import PersonList
from holdfast.core.directory.schemas import PersonCreate, PersonOut
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=people.list_people, answers=Page[PersonOut])
async def list_people(work: WorkDep, params: Annotated[PersonList, Query()]) -> Response:
    """List people: search, filter, sort, page."""
    return json_bytes(await people.list_people(work, params))


@router.post(verb=people.create_person, status=201)
async def create_person(work: WorkDep, body: PersonCreate) -> PersonOut:
    """Add a person; the number is unique in the organisation, whatever the case."""
    return PersonOut.model_validate(await people.create_person(work, body))
