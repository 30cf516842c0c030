"""The list of branches."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import list_page
from holdfast.core.directory.pages.branches import KIND
from holdfast.core.directory.queries import BranchList
from holdfast.core.directory.service import branches, trees
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=branches.list_branches)
async def show_branches(request: Request, work: WorkDep) -> Response:
    """Show the branches: search, filter, sort, page."""
    params = read_query(request, BranchList)
    companies = [(each["id"], each["name"]) for each in (await trees.browse_tree(work))["companies"]]
    found = await branches.browse_branches(work, params)
    return await list_page(request, work, KIND, params, found, companies=companies)
