"""Pages of people."""

from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Person, PersonStatus
from holdfast.core.directory.pages import Kind, Version, form_page, name_of, person_meant, told
from holdfast.core.directory.pages.placing import Place, place_of, placed, places
from holdfast.core.directory.queries import PersonList
from holdfast.core.directory.schemas import Day, Email, Number, PersonName, PersonOut, Phone, Title
from holdfast.core.directory.service import labels, people, trees
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import Form
from holdfast.kernel.schemas import Inward, OneLine
from holdfast.kernel.work import Work

REPORTS = 25
KIND = Kind(
    "person",
    "people",
    PersonOut,
    {
        "given_name": "Given name",
        "family_name": "Family name",
        "number": "Number",
        "job_title": "Job title",
        "place": "Works in",
        "manager": "Manager",
        "email": "E-mail",
        "phone": "Phone",
        "start_date": "First day",
        "end_date": "Last day",
        "status": "Status",
    },
)


class NewPersonForm(Inward):
    """What the form for a new person sends: where they work as one choice, the manager as people are called."""

    given_name: PersonName
    family_name: PersonName
    number: Number
    job_title: Title | None = None
    place: Place | None = None
    manager: Annotated[OneLine | None, Field(max_length=250)] = None
    email: Email | None = None
    phone: Phone | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    status: PersonStatus = PersonStatus.ACTIVE


class PersonForm(NewPersonForm):
    """What the form of a person sends: the fields, and the version that they were made from."""

    version: Version


async def fields_of(work: Work, form: NewPersonForm, person: Person | None) -> dict[str, Any]:
    """Return the fields of a person that a form sets."""
    fields = form.model_dump(exclude={"place", "manager", "version"})
    manager = await person_meant(work, KIND, person, "manager", form.manager)
    return {**fields, "manager_id": manager, **placed(form.place, "department_id")}


async def form_of(work: Work, person: Person) -> Form:
    """Return the form that shows a person."""
    shown = await told(work, KIND, person)
    return Form.of({**shown, "place": place_of(person, "department_id"), "version": person.version})


async def person_form_page(
    request: Request,
    work: Work,
    person: Person | None,
    form: Form,
    *,
    conflict: bool = False,
    status: int = 200,
) -> Response:
    """Return the form of a person, or of a new one, with the places to choose from."""
    tree = await trees.browse_tree(work)
    choices = places(tree)
    return await form_page(
        request, work, KIND, person, form, conflict=conflict, status=status, tree=tree, places=choices
    )


async def person_page(
    request: Request, work: Work, person: Person, *, refused: str | None = None, status: int = 200
) -> Response:
    """Return the page of a person: particulars, place, manager and the first of those they lead."""
    shown = PersonOut.model_validate(person).model_dump(mode="json")
    led, meta = await people.browse_people(work, PersonList(manager_id=person.id, page_size=REPORTS))
    return render(
        request,
        "directory/person.html",
        status=status,
        work=work,
        kind=KIND,
        person=person,
        name=name_of(person),
        names=await labels.names_of(work, [shown]),
        reports=led,
        report_count=meta["total"],
        refused=refused,
        may=KIND.may(work),
    )
