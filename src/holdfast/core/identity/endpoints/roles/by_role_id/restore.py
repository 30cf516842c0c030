"""Taking a role out of the trash."""

from uuid import UUID

from holdfast.core.identity.schemas import RoleOut
from holdfast.core.identity.service import roles
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=roles.restore_role)
async def restore_role(work: WorkDep, role_id: UUID, expected: IfMatch) -> RoleOut:
    """Restore a deleted role; 409 where its name was taken meanwhile."""
    return roles.shown(work, await roles.restore_role(work, role_id=role_id, expected=expected))
