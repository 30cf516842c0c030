"""Opening an organisation again."""

from uuid import UUID

from holdfast.core.identity.schemas import PlatformOrganizationOut, Reasoned
from holdfast.core.identity.service import platform
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=platform.resume_organization)
async def resume_organization(work: WorkDep, organization_id: UUID, body: Reasoned) -> PlatformOrganizationOut:
    """Open a suspended organisation again, also one whose deletion was set."""
    found = await platform.resume_organization(work, organization_id=organization_id, reason=body.reason)
    return PlatformOrganizationOut.model_validate(found)
