"""The groups of a person."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import MembershipList
from holdfast.core.directory.schemas.groups import (
    MembershipOut,
)
from holdfast.core.directory.service import groups
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=groups.list_memberships, answers=Page[MembershipOut])
async def list_memberships(work: WorkDep, person_id: UUID, params: Annotated[MembershipList, Query()]) -> Response:
    """List the groups that a person is in; with `at` those they were in at that moment."""
    return json_bytes(await groups.list_memberships(work, params, person_id=person_id))
