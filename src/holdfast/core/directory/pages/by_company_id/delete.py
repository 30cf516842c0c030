"""Deleting a company, after a question."""

from uuid import UUID

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory import guards, queries
from holdfast.core.directory.errors import CompanyInUse
from holdfast.core.directory.models import Company
from holdfast.core.directory.pages.by_company_id.index import LABELS, LIST
from holdfast.core.directory.schemas import CompanyOut
from holdfast.core.directory.service import companies
from holdfast.kernel.errors import BadRequest, PreconditionFailed
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, read_form
from holdfast.kernel.schemas import Inward
from holdfast.kernel.work import Work

router = Routes()


class DeleteForm(Inward):
    """Which version the person saw, and what stood in it, to tell what changed since."""

    version: int = Field(ge=1)
    code: str | None = None
    name: str | None = None
    legal_name: str | None = None
    registration_number: str | None = None
    country: str | None = None
    city: str | None = None
    status: str | None = None


@router.get(verb=companies.delete_company)
async def ask_to_delete(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Ask before deleting."""
    company = await companies.read_company(work, company_id=company_id)
    return await _question(request, work, company)


@router.post(verb=companies.delete_company, form=True)
async def delete_by_form(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Put the company into the trash and show the list; where somebody changed it meanwhile, ask again."""
    form = await read_form(request, DeleteForm)
    if isinstance(form, Form):
        raise BadRequest("The form does not say which version of the company to delete.")
    company = await companies.read_company(work, company_id=company_id)
    try:
        await companies.delete_company(work, company_id=company_id, expected=form.version)
    except CompanyInUse as error:
        return await _question(request, work, company, status=error.status)
    except PreconditionFailed as error:
        return await _question(request, work, company, seen=form, status=error.status)
    return redirect(request, LIST, flash=f"{company.name} was deleted. It can be restored from the deleted companies.")


async def _question(
    request: Request, work: Work, company: Company, *, seen: DeleteForm | None = None, status: int = 200
) -> Response:
    """Return the question, or why it need not be asked."""
    hindrance = guards.can_delete(company, await queries.count_held(work, company))
    now = CompanyOut.model_validate(company).model_dump(mode="json")
    return render(
        request,
        "directory/company_delete.html",
        status=status,
        work=work,
        company=company,
        hindrance=None if hindrance is None else hindrance.detail,
        seen=None if seen is None else seen.model_dump(),
        now={name: now[name] for name in ("version", *LABELS)},
    )
