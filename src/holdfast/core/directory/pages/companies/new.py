"""Adding a company."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Company
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.companies import KIND, NewCompanyForm, company_page
from holdfast.core.directory.schemas import CompanyCreate
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=companies.create_company)
async def show_new_company(request: Request, work: WorkDep) -> Response:
    """Show the empty form."""
    return await company_page(request, work, None, Form.of(None, status="active"))


@router.post(verb=companies.create_company, form=True)
async def add_company(request: Request, work: WorkDep) -> Response:
    """Add the company and go to the list."""

    async def add(form: NewCompanyForm) -> Company:
        return await companies.create_company(work, CompanyCreate(**form.model_dump()))

    show = partial(company_page, request, work, None)
    done = await take_form(request, work, KIND, NewCompanyForm, right="create", act=add, show=show)
    if isinstance(done, Response):
        return done
    return redirect(request, KIND.path, flash=f"{done.name} was added.")
