"""Who is in a group."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import MemberList
from holdfast.core.directory.schemas.groups import (
    MemberOut,
    MembersAdd,
    MembersAdded,
)
from holdfast.core.directory.service import groups
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=groups.list_members, answers=Page[MemberOut])
async def list_members(work: WorkDep, group_id: UUID, params: Annotated[MemberList, Query()]) -> Response:
    """List who is in a group; with `at` who was in it at that moment."""
    return json_bytes(await groups.list_members(work, params, group_id=group_id))


@router.post(verb=groups.add_members)
async def add_members(work: WorkDep, group_id: UUID, body: MembersAdd) -> MembersAdded:
    """Put up to a thousand people into a group; who is in it already stays."""
    return MembersAdded(added=await groups.add_members(work, group_id=group_id, person_ids=body.person_ids))
