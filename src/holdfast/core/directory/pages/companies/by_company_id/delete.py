"""Deleting a company, after a question."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import DeleteForm, delete_and_go, question_page
from holdfast.core.directory.pages.companies import KIND
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=companies.delete_company)
async def ask_to_delete_company(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Ask before deleting."""
    return await question_page(request, work, KIND, await companies.read_company(work, company_id=company_id))


@router.post(verb=companies.delete_company, form=True)
async def delete_company_by_form(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Put the company into the trash, with all that it holds where that was ticked."""

    async def delete(form: DeleteForm) -> None:
        await companies.delete_company(work, company_id=company_id, expected=form.version, cascade=form.cascade)

    company = await companies.read_company(work, company_id=company_id)
    return await delete_and_go(request, work, KIND, company, delete)
