"""Restoring a deleted company."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import restore_and_go
from holdfast.core.directory.pages.companies import KIND, company_page
from holdfast.core.directory.service import companies
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.post(verb=companies.restore_company, form=True)
async def restore_company_by_form(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Take the company out of the trash and show it."""

    async def show(error: HoldfastError) -> Response:
        company = await companies.read_company(work, company_id=company_id, deleted=True)
        return await company_page(request, work, company, Form(), refused=error.detail, status=error.status)

    return await restore_and_go(request, work, KIND, companies.restore_company(work, company_id=company_id), show)
