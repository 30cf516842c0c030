"""Adding a company."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages.by_company_id.index import LABELS, LIST, NewCompanyForm, company_page, refused_page
from holdfast.core.directory.schemas import CompanyCreate
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form, read_form

router = Routes()


@router.get(verb=companies.create_company)
async def show_new_company(request: Request, work: WorkDep) -> Response:
    """Show the empty form."""
    return company_page(request, work, None, Form.of(None, status="active"))


@router.post(verb=companies.create_company, form=True)
async def add_company(request: Request, work: WorkDep) -> Response:
    """Add the company and go to the list."""
    form = await read_form(request, NewCompanyForm, labels=LABELS)
    if isinstance(form, Form):
        return company_page(request, work, None, form, status=422)
    try:
        company = await companies.create_company(work, CompanyCreate(**form.model_dump()))
    except Exception as error:  # noqa: BLE001  sorted in refused_page, which raises what it cannot show
        return await refused_page(request, work, error)
    return redirect(request, LIST, flash=f"{company.name} was added.")
