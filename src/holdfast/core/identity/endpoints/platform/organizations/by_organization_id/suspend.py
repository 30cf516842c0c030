"""Shutting an organisation."""

from uuid import UUID

from holdfast.core.identity.schemas import PlatformOrganizationOut, Reasoned
from holdfast.core.identity.service import platform
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=platform.suspend_organization)
async def suspend_organization(work: WorkDep, organization_id: UUID, body: Reasoned) -> PlatformOrganizationOut:
    """Shut an organisation: every credential of it is refused from the next request on."""
    found = await platform.suspend_organization(work, organization_id=organization_id, reason=body.reason)
    return PlatformOrganizationOut.model_validate(found)
