"""Deleting a company, after a question."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.errors import CompanyInUse
from holdfast.core.directory.pages.by_company_id.index import LIST
from holdfast.core.directory.service import companies
from holdfast.kernel.errors import BadRequest
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, read_form
from holdfast.kernel.schemas import Inward

router = Routes()


class DeleteForm(Inward):
    """Which version the person saw."""

    version: Annotated[int, Field(ge=1)]


@router.get(verb=companies.delete_company)
async def ask_to_delete(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Ask before deleting."""
    company = await companies.read_company(work, company_id=company_id)
    return render(request, "directory/company_delete.html", work=work, company=company, problem=None)


@router.post(verb=companies.delete_company, form=True)
async def delete_by_form(request: Request, work: WorkDep, company_id: UUID) -> Response:
    """Put the company into the trash and show the list."""
    form = await read_form(request, DeleteForm)
    if isinstance(form, Form):
        raise BadRequest("The form does not say which version of the company to delete.")
    company = await companies.read_company(work, company_id=company_id)
    try:
        await companies.delete_company(work, company_id=company_id, expected=form.version)
    except CompanyInUse as error:
        return render(
            request, "directory/company_delete.html", status=409, work=work, company=company, problem=error.detail
        )
    return redirect(request, LIST, flash=f"{company.name} was deleted. It can be restored from the deleted companies.")
