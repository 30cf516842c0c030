"""Restoring a deleted company."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=companies.restore_company, form=True)
async def restore_by_form(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Take the company out of the trash and show it."""
    company = await companies.restore_company(work, company_id=company_id)
    return redirect(request, f"/console/companies/{company.id}", flash=f"{company.name} was restored.")
