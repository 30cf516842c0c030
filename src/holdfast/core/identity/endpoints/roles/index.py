"""The roles that users can hold."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import RoleList
from holdfast.core.identity.schemas import RoleCreate, RoleOut, Roles
from holdfast.core.identity.service import roles
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=roles.list_roles)
async def list_roles(work: WorkDep, params: Annotated[RoleList, Query()]) -> Roles:
    """List the built-in roles and the organisation's own; they are few, so there are no pages."""
    return await roles.list_roles(work, params)


@router.post(verb=roles.create_role, status=201)
async def create_role(work: WorkDep, body: RoleCreate) -> RoleOut:
    """Make a role of rights that you hold yourself in the whole organisation."""
    return roles.shown(work, await roles.create_role(work, body))
