"""The list of companies."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import list_page
from holdfast.core.directory.pages.companies import KIND
from holdfast.core.directory.queries import CompanyList
from holdfast.core.directory.service import companies
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=companies.list_companies)
async def show_companies(request: Request, work: WorkDep) -> Response:
    """Show the companies: search, filter, sort, page."""
    params = read_query(request, CompanyList)
    return await list_page(request, work, KIND, params, await companies.browse_companies(work, params))
