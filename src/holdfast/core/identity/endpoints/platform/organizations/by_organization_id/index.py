"""One organisation of the installation."""

from uuid import UUID

from holdfast.core.identity.schemas import PlatformOrganizationOut, Reasoned
from holdfast.core.identity.service import platform
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=platform.get_organization)
async def get_organization(work: WorkDep, organization_id: UUID) -> PlatformOrganizationOut:
    """Return an organisation."""
    found = await platform.get_organization(work, organization_id=organization_id)
    return PlatformOrganizationOut.model_validate(found)


@router.delete(verb=platform.delete_organization)
async def delete_organization(work: WorkDep, organization_id: UUID, body: Reasoned) -> PlatformOrganizationOut:
    """Shut an organisation now; its data may be deleted after the waiting time, until when it can be resumed."""
    found = await platform.delete_organization(work, organization_id=organization_id, reason=body.reason)
    return PlatformOrganizationOut.model_validate(found)
