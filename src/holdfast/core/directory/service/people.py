"""What people do with the list of people."""

from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.models import Person
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("directory.person.read")
async def list_people(work: Work, params: queries.PersonList) -> bytes:
    """Return one page of people as JSON."""
    return await queries.PEOPLE.page(work, params)


@verb("directory.person.read")
async def read_person(work: Work, *, person_id: UUID) -> Person:
    """Return a person; raise PersonNotFound."""
    return await queries.get_person(work, person_id=person_id)
