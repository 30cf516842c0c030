"""Adding a person."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Person
from holdfast.core.directory.pages import name_of, take_form
from holdfast.core.directory.pages.people import KIND, NewPersonForm, fields_of, person_form_page
from holdfast.core.directory.schemas import PersonCreate
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=people.create_person)
async def show_new_person(request: Request, work: WorkDep) -> Response:
    """Show the empty form, with a place or a manager where the link named one."""
    given = {name: request.query_params.get(name) for name in ("place", "manager")}
    return await person_form_page(request, work, None, Form.of(None, status="active", **given))


@router.post(verb=people.create_person, form=True)
async def add_person(request: Request, work: WorkDep) -> Response:
    """Add the person and go to their page."""

    async def add(form: NewPersonForm) -> Person:
        return await people.create_person(work, PersonCreate(**await fields_of(work, form, None)))

    show = partial(person_form_page, request, work, None)
    done = await take_form(request, work, KIND, NewPersonForm, right="create", act=add, show=show)
    if isinstance(done, Response):
        return done
    return redirect(request, f"{KIND.path}/{done.id}", flash=f"{name_of(done)} was added.")
