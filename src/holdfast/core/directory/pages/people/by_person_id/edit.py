"""Changing a person."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Person
from holdfast.core.directory.pages import name_of, take_form
from holdfast.core.directory.pages.people import KIND, PersonForm, fields_of, form_of, person_form_page
from holdfast.core.directory.schemas import PersonUpdate
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=people.update_person)
async def show_person_form(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Show the form of a person."""
    person = await people.read_person(work, person_id=person_id)
    return await person_form_page(request, work, person, await form_of(work, person))


@router.post(verb=people.update_person, form=True)
async def save_person(request: Request, work: WorkDep, person_id: UUID) -> Response:
    """Save the form; where somebody else saved meanwhile, show both."""

    async def save(form: PersonForm) -> Person:
        person = await people.read_person(work, person_id=person_id)
        fields = PersonUpdate(**await fields_of(work, form, person))
        return await people.update_person(work, person_id=person_id, fields=fields, expected=form.version)

    async def show(form: Form, *, conflict: bool = False, status: int = 200) -> Response:
        person = await people.read_person(work, person_id=person_id)
        return await person_form_page(request, work, person, form, conflict=conflict, status=status)

    done = await take_form(request, work, KIND, PersonForm, right="update", act=save, show=show)
    if isinstance(done, Response):
        return done
    return redirect(request, f"{KIND.path}/{done.id}", flash=f"{name_of(done)} was saved.")
