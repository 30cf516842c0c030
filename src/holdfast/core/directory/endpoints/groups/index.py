"""The list of groups."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import GroupList
from holdfast.core.directory.schemas.groups import (
    GroupCreate,
    GroupOut,
)
from holdfast.core.directory.service import groups
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=groups.list_groups, answers=Page[GroupOut])
async def list_groups(work: WorkDep, params: Annotated[GroupList, Query()]) -> Response:
    """List groups: search, filter, sort, page."""
    return json_bytes(await groups.list_groups(work, params))


@router.post(verb=groups.create_group, status=201)
async def create_group(work: WorkDep, body: GroupCreate) -> GroupOut:
    """Add a group; its code is unique in the organisation, whatever the case."""
    return GroupOut.model_validate(await groups.create_group(work, body))
