"""Deleting a person, after a question."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import DeleteForm, delete_and_go, question_page
from holdfast.core.directory.pages.people import KIND
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=people.delete_person)
async def ask_to_delete_person(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Ask before deleting."""
    return await question_page(request, work, KIND, await people.read_person(work, person_id=person_id))


@router.post(verb=people.delete_person, form=True)
async def delete_person_by_form(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Put the person into the trash; one who leads others stays."""

    async def delete(form: DeleteForm) -> None:
        await people.delete_person(work, person_id=person_id, expected=form.version)

    person = await people.read_person(work, person_id=person_id)
    return await delete_and_go(request, work, KIND, person, delete)
