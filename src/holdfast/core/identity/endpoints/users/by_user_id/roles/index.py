"""The roles of a user."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.identity.queries import AssignmentList
from holdfast.core.identity.schemas import AssignmentCreate, AssignmentOut
from holdfast.core.identity.service import assignments
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=assignments.list_assignments)
async def list_assignments(
    work: WorkDep, user_id: UUID, params: Annotated[AssignmentList, Query()]
) -> Page[AssignmentOut]:
    """List the roles that a user holds, and with `ended` those that they held."""
    return await assignments.list_assignments(work, params, user_id=user_id)


@router.post(verb=assignments.assign_role, status=201)
async def assign_role(work: WorkDep, user_id: UUID, body: AssignmentCreate) -> AssignmentOut:
    """Give a role to another user, everywhere or in one unit; you have to hold everywhere what it holds."""
    return AssignmentOut.model_validate(await assignments.assign_role(work, user_id=user_id, fields=body))
