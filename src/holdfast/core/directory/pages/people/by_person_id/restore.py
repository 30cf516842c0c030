"""Restoring a deleted person."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import restore_and_go
from holdfast.core.directory.pages.people import KIND, person_page
from holdfast.core.directory.service import people
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=people.restore_person, form=True)
async def restore_person_by_form(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Take the person out of the trash and show it."""

    async def show(error: HoldfastError) -> Response:
        person = await people.read_person(work, person_id=person_id, deleted=True)
        return await person_page(request, work, person, refused=error.detail, status=error.status)

    return await restore_and_go(request, work, KIND, people.restore_person(work, person_id=person_id), show)
