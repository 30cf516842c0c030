"""The caller's organisation."""

from holdfast.core.directory.schemas import OrganizationOut, OrganizationUpdate
from holdfast.core.directory.service import organizations
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=organizations.read_organization)
async def read_organization(work: WorkDep) -> OrganizationOut:
    """Show the organisation of the caller."""
    return OrganizationOut.model_validate(await organizations.read_organization(work))


@router.patch(verb=organizations.update_organization)
async def update_organization(work: WorkDep, body: OrganizationUpdate, expected: IfMatch) -> OrganizationOut:
    """Change particulars of the organisation."""
    return OrganizationOut.model_validate(await organizations.update_organization(work, body, expected=expected))
