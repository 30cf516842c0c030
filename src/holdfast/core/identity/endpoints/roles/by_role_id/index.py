"""One role of the organisation's own."""

from uuid import UUID

from holdfast.core.identity.schemas import RoleOut, RoleReplace, RoleUpdate
from holdfast.core.identity.service import roles
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=roles.read_role)
async def read_role(work: WorkDep, role_id: UUID) -> RoleOut:
    """Show a role of the organisation's own."""
    return roles.shown(work, await roles.read_role(work, role_id=role_id))


@router.put(verb=roles.update_role)
async def replace_role(work: WorkDep, role_id: UUID, body: RoleReplace, expected: IfMatch) -> RoleOut:
    """Replace all writable fields of a role; you have to hold what it has and will have."""
    return roles.shown(work, await roles.update_role(work, role_id=role_id, fields=body, expected=expected))


@router.patch(verb=roles.update_role)
async def update_role(work: WorkDep, role_id: UUID, body: RoleUpdate, expected: IfMatch) -> RoleOut:
    """Change some fields of a role; you have to hold what it has and will have."""
    return roles.shown(work, await roles.update_role(work, role_id=role_id, fields=body, expected=expected))


@router.delete(verb=roles.delete_role, status=204)
async def delete_role(work: WorkDep, role_id: UUID, expected: IfMatch) -> None:
    """Put a role into the trash; 409 with their number while users hold it."""
    await roles.delete_role(work, role_id=role_id, expected=expected)
