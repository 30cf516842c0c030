"""What a role can hold."""

from holdfast.core.identity.schemas import PermissionList
from holdfast.core.identity.service import roles
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=roles.list_permissions)
async def list_permissions(work: WorkDep) -> PermissionList:
    """List the rights that there are in this organisation; they are few, so there are no pages."""
    return await roles.list_permissions(work)
