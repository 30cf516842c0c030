"""The list of companies."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.queries import CompanyList
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=companies.list_companies)
async def show_companies(request: Request, work: WorkDep) -> Response:
    """Show the companies: search, filter, sort, page."""
    params = read_query(request, CompanyList)
    rows, meta = await companies.browse_companies(work, params)
    return render(
        request,
        "directory/companies.html",
        work=work,
        companies=rows,
        meta=meta,
        filters={"q": params.q, "status": params.status, "deleted": params.deleted},
        sort=params.sort or "name",
        may={"create": work.actor.may("directory.company.create")},
    )
