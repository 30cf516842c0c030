"""One person: particulars, place, manager and those they lead."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages.people import person_page
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=people.read_person)
async def show_person(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Show a person."""
    return await person_page(request, work, await people.read_person(work, person_id=person_id, deleted=True))
