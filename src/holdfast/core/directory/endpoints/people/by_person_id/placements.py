"""Where a person has worked."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import PlacementList
from holdfast.core.directory.schemas.groups import (
    PlacementOut,
)
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=people.list_placements, answers=Page[PlacementOut])
async def list_placements(work: WorkDep, person_id: UUID, params: Annotated[PlacementList, Query()]) -> Response:
    """List where a person has worked from when to when, the latest first."""
    return json_bytes(await people.list_placements(work, params, person_id=person_id))
