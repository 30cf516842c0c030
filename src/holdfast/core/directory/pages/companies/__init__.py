"""Pages of companies."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Company
from holdfast.core.directory.pages import Kind, TypedCode, TypedCountry, Version, form_page
from holdfast.core.directory.schemas import CompanyFields, CompanyOut
from holdfast.kernel.pages.forms import Form
from holdfast.kernel.work import Work

KIND = Kind(
    "company",
    "companies",
    CompanyOut,
    {
        "code": "Code",
        "name": "Name",
        "legal_name": "Legal name",
        "registration_number": "Registration number",
        "country": "Country",
        "city": "City",
        "status": "Status",
    },
)


class NewCompanyForm(CompanyFields):
    """What the form for a new company sends."""

    code: TypedCode
    country: TypedCountry = None


class CompanyForm(NewCompanyForm):
    """What the form of a company sends: the fields, and the version that they were made from."""

    version: Version


async def company_page(
    request: Request,
    work: Work,
    company: Company | None,
    form: Form,
    *,
    conflict: bool = False,
    refused: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a company, or of a new one."""
    return await form_page(request, work, KIND, company, form, conflict=conflict, refused=refused, status=status)
