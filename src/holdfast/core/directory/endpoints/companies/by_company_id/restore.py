"""Taking a company out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import CompanyOut
from holdfast.core.directory.service import companies
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=companies.restore_company)
async def restore_company(work: WorkDep, company_id: UUID, expected: IfMatch) -> CompanyOut:
    """Restore a deleted company and all that went with it; 409 where a code was given to another meanwhile."""
    company = await companies.restore_company(work, company_id=company_id, expected=expected)
    return CompanyOut.model_validate(company)
