"""The list of departments."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import list_page
from holdfast.core.directory.pages.departments import KIND
from holdfast.core.directory.pages.placing import Place, filtered, place_of, places
from holdfast.core.directory.queries import DepartmentList
from holdfast.core.directory.service import departments, trees
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import read_query

router = Routes()


class DepartmentFilters(DepartmentList):
    """The filters as a form sends them: where the departments are is one choice."""

    place: Place | None = None


@router.get(verb=departments.list_departments)
async def show_departments(request: Request, work: WorkDep) -> Response:
    """Show the departments: search, filter, sort, page."""
    given = read_query(request, DepartmentFilters).model_dump(exclude_unset=True)
    params = DepartmentList(**filtered(given, "parent_id"))
    return await list_page(
        request,
        work,
        KIND,
        params,
        await departments.browse_departments(work, params),
        places=places(await trees.browse_tree(work)),
        place=place_of(params, "parent_id"),
    )
