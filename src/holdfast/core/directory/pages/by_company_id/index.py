"""One company: its form, or its particulars for those who may not change it."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Company
from holdfast.core.directory.schemas import Code, CompanyFields, CompanyOut, CompanyReplace, Country
from holdfast.core.directory.service import companies
from holdfast.kernel.errors import Conflict, PreconditionFailed
from holdfast.kernel.http import Routes, WorkDep, explain
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, form_errors, read_form
from holdfast.kernel.work import Work

router = Routes()
LIST = "/console/companies"
LABELS = {
    "code": "Code",
    "name": "Name",
    "legal_name": "Legal name",
    "registration_number": "Registration number",
    "country": "Country",
    "city": "City",
    "status": "Status",
}


def _code(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", text.strip()):
        raise ValueError("must be letters, digits, dots, dashes and underscores, such as NORTH-01")
    return text


def _country(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch("[A-Za-z]{2}", text.strip()):
        raise ValueError("must be two letters, such as GB")
    return text.upper() if isinstance(text, str) else text


class NewCompanyForm(CompanyFields):
    """What the form for a new company sends; it says more than the API of what it wants, and takes small letters."""

    code: Annotated[Code, BeforeValidator(_code)]
    country: Annotated[Country | None, BeforeValidator(_country)] = None


class CompanyForm(NewCompanyForm):
    """What the form sends: the fields, and the version that they were made from."""

    version: int = Field(ge=1)


@router.get(verb=companies.read_company)
async def show_company(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Show a company."""
    company = await companies.read_company(work, company_id=company_id, deleted=True)
    return company_page(request, work, company, Form.of(CompanyOut.model_validate(company)))


@router.post(verb=companies.update_company, form=True)
async def save_company(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Save the form; where somebody else saved meanwhile, show both."""
    form = await read_form(request, CompanyForm, labels=LABELS)
    if isinstance(form, Form):
        company = await companies.read_company(work, company_id=company_id, deleted=True)
        return company_page(request, work, company, form, status=422)
    fields = CompanyReplace(**form.model_dump(exclude={"version"}))
    try:
        saved = await companies.update_company(work, company_id=company_id, fields=fields, expected=form.version)
    except PreconditionFailed as error:
        company = await companies.read_company(work, company_id=company_id)
        shown = Form.of(form.model_dump(mode="json"))
        return company_page(request, work, company, shown, conflict=company, status=error.status)
    except Exception as error:  # noqa: BLE001  sorted in refused_page, which raises what it cannot show
        return await refused_page(request, work, error, company_id=company_id)
    return redirect(request, LIST, flash=f"{saved.name} was saved.")


async def refused_page(request: Request, work: Work, error: Exception, *, company_id: UUID | None = None) -> Response:
    """Return the form as it was sent with what was refused; raise what the person cannot put right in a form."""
    known = explain(error)
    if not isinstance(known, Conflict):
        raise error
    await work.reset()
    company = None if company_id is None else await companies.read_company(work, company_id=company_id)
    shown = await form_errors(request, known, CompanyForm, labels=LABELS)
    return company_page(request, work, company, shown, status=known.status)


def company_page(
    request: Request,
    work: Work,
    company: Company | None,
    form: Form,
    *,
    conflict: Company | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a company, or of a new one."""
    return render(
        request,
        "directory/company_form.html",
        status=status,
        work=work,
        company=company,
        form=form,
        conflict=None if conflict is None else CompanyOut.model_validate(conflict).model_dump(mode="json"),
        countries=(),
        may={
            # Not "update": in a template that is the method of the mapping, which is always there.
            "change": work.actor.may("directory.company.update"),
            "delete": work.actor.may("directory.company.delete"),
            "restore": work.actor.may("directory.company.restore"),
            "trace": work.actor.may("audit.entry.read"),
        },
    )
