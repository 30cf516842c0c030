"""Pages of branches."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Branch
from holdfast.core.directory.pages import Kind, TypedCode, TypedCountry, Version, form_page
from holdfast.core.directory.schemas import BranchFields, BranchOut
from holdfast.core.directory.service import trees
from holdfast.kernel.pages.forms import Form
from holdfast.kernel.work import Work

KIND = Kind(
    "branch",
    "branches",
    BranchOut,
    {
        "code": "Code",
        "name": "Name",
        "company_id": "Company",
        "kind": "Kind",
        "status": "Status",
        "address_line_1": "Address",
        "address_line_2": "Second line of the address",
        "city": "City",
        "country": "Country",
        "time_zone": "Time zone",
        "phone": "Phone",
    },
)


class BranchForm(BranchFields):
    """What the form of a branch sends: the fields, and the version that they were made from."""

    code: TypedCode
    country: TypedCountry = None
    version: Version


class NewBranchForm(BranchFields):
    """What the form for a new branch sends."""

    code: TypedCode
    country: TypedCountry = None
    company_id: UUID


async def branch_page(
    request: Request,
    work: Work,
    branch: Branch | None,
    form: Form,
    *,
    conflict: bool = False,
    refused: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a branch, or of a new one with the companies to choose from."""
    owners = [] if branch is not None else (await trees.browse_tree(work))["companies"]
    companies = [(each["id"], each["name"]) for each in owners]
    return await form_page(
        request, work, KIND, branch, form, conflict=conflict, refused=refused, status=status, companies=companies
    )
