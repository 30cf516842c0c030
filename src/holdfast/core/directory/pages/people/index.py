"""The list of people."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import list_page
from holdfast.core.directory.pages.people import KIND
from holdfast.core.directory.pages.placing import Place, filtered, place_of, places
from holdfast.core.directory.queries import PersonList
from holdfast.core.directory.service import labels, people, trees
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import read_query

router = Routes()


class PersonFilters(PersonList):
    """The filters as a form sends them: where the people are is one choice."""

    place: Place | None = None


@router.get(verb=people.list_people)
async def show_people(request: Request, work: WorkDep) -> Response:
    """Show the people: search, filter, sort, page."""
    given = read_query(request, PersonFilters).model_dump(exclude_unset=True)
    params = PersonList(**filtered(given, "department_id"))
    manager = [] if params.manager_id is None else [{"manager_id": params.manager_id}]
    return await list_page(
        request,
        work,
        KIND,
        params,
        await people.browse_people(work, params),
        places=places(await trees.browse_tree(work)),
        place=place_of(params, "department_id"),
        led_by=next(iter((await labels.names_of(work, manager)).values()), None),
        may_import=work.actor.may("directory.person.import"),
        may_export=work.actor.may("directory.person.export"),
    )
