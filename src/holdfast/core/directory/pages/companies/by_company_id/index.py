"""One company: its form, or its particulars for those who may not change it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Company
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.companies import KIND, CompanyForm, company_page
from holdfast.core.directory.schemas import CompanyOut, CompanyReplace
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=companies.read_company)
async def show_company(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Show a company."""
    company = await companies.read_company(work, company_id=company_id, deleted=True)
    return await company_page(request, work, company, Form.of(CompanyOut.model_validate(company)))


@router.post(verb=companies.update_company, form=True)
async def save_company(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Save the form; where somebody else saved meanwhile, show both."""

    async def save(form: CompanyForm) -> Company:
        fields = CompanyReplace(**form.model_dump(exclude={"version"}))
        return await companies.update_company(work, company_id=company_id, fields=fields, expected=form.version)

    async def show(form: Form, *, conflict: bool = False, status: int = 200) -> Response:
        company = await companies.read_company(work, company_id=company_id, deleted=True)
        return await company_page(request, work, company, form, conflict=conflict, status=status)

    done = await take_form(request, work, KIND, CompanyForm, right="update", act=save, show=show)
    return done if isinstance(done, Response) else redirect(request, KIND.path, flash=f"{done.name} was saved.")
