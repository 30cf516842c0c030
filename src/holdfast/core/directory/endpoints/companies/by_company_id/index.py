"""One company."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.directory.schemas import CompanyOut, CompanyReplace, CompanyUpdate, DeleteParameters
from holdfast.core.directory.service import companies
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=companies.read_company)
async def read_company(work: WorkDep, company_id: UUID) -> CompanyOut:
    """Show a company."""
    return CompanyOut.model_validate(await companies.read_company(work, company_id=company_id))


@router.put(verb=companies.update_company)
async def replace_company(work: WorkDep, company_id: UUID, body: CompanyReplace, expected: IfMatch) -> CompanyOut:
    """Replace all writable fields of a company."""
    company = await companies.update_company(work, company_id=company_id, fields=body, expected=expected)
    return CompanyOut.model_validate(company)


@router.patch(verb=companies.update_company)
async def update_company(work: WorkDep, company_id: UUID, body: CompanyUpdate, expected: IfMatch) -> CompanyOut:
    """Change some fields of a company."""
    company = await companies.update_company(work, company_id=company_id, fields=body, expected=expected)
    return CompanyOut.model_validate(company)


@router.delete(verb=companies.delete_company, status=204)
async def delete_company(
    work: WorkDep, company_id: UUID, expected: IfMatch, params: Annotated[DeleteParameters, Query()]
) -> None:
    """Put a company into the trash; 409 with counts while it holds something, unless that goes with it."""
    await companies.delete_company(work, company_id=company_id, expected=expected, cascade=params.cascade)
