"""Taking a company out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import CompanyOut
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=companies.restore_company)
async def restore_company(work: WorkDep, company_id: UUID) -> CompanyOut:
    """Restore a deleted company and all that went with it; 409 where a code was given to another meanwhile."""
    return CompanyOut.model_validate(await companies.restore_company(work, company_id=company_id))
