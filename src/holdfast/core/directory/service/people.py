"""What people do with the list of people."""

from typing import Any
from uuid import UUID

from holdfast.core.directory import guards, queries
from holdfast.core.directory.errors import ManagerCycle
from holdfast.core.directory.facts import PersonCreated, PersonUpdated
from holdfast.core.directory.models import Person
from holdfast.core.directory.schemas import PersonCreate, PersonReplace, PersonUpdate
from holdfast.core.directory.service.leaving import ended_by, require_leave
from holdfast.core.directory.service.naming import named
from holdfast.core.directory.service.placing import PLACE, place
from holdfast.core.directory.service.scopes import require_move, require_place, require_seen, require_within, units_of
from holdfast.core.directory.service.trash import put_into_trash, take_from_trash
from holdfast.kernel.errors import FieldError
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work, check_version


@verb("directory.person.read", scoped=True)
async def list_people(work: Work, params: queries.PersonList) -> bytes:
    """Return one page of people as JSON."""
    return await queries.PEOPLE.page(work, _seen(work, params))


@verb("directory.person.read", scoped=True)
async def browse_people(work: Work, params: queries.PersonList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of people as rows, and where it stands."""
    return await queries.PEOPLE.rows_and_meta(work, _seen(work, params))


@verb("directory.person.read", scoped=True)
async def read_person(work: Work, *, person_id: UUID, deleted: bool = False) -> Person:
    """Return a person, with `deleted` also one in the trash; raise PersonNotFound."""
    found = await queries.get_person(work, person_id=person_id, deleted=deleted)
    await require_seen(work, found)
    return found


@verb("directory.person.read", scoped=True)
async def list_placements(work: Work, params: queries.PlacementList, *, person_id: UUID) -> bytes:
    """Return one page of where a person has worked as JSON, the latest first; raise PersonNotFound."""
    await require_seen(work, await queries.get_person(work, person_id=person_id))
    chosen = queries.PlacementsOf(person_id=person_id, **params.given())
    return await queries.PLACEMENTS.page(work, chosen)


@verb("directory.person.create", writes=True, scoped=True)
async def create_person(work: Work, fields: PersonCreate) -> Person:
    """Add a person; a number that is taken, whatever its case, is refused with UniqueViolation.

    Raises Invalid naming the field where company, branch and department do not fit together, or the dates.
    """
    await queries.hold_structure(work)
    values = fields.model_dump()
    enforce(guards.can_employ(fields.start_date, fields.end_date))
    values |= await place(work, values, None, "department_id")
    await require_place(work, "person", "create", values)
    await named(work, Person, fields.manager_id, "manager_id")
    person = Person(id=work.new_id(), **values)
    work.session.add(person)
    work.record(PersonCreated(entity=person))
    await work.flush()
    return person


@verb("directory.person.update", writes=True, scoped=True)
async def update_person(
    work: Work, *, person_id: UUID, fields: PersonReplace | PersonUpdate, expected: int | None = None
) -> Person:
    """Change a person: a PersonReplace sets every field, a PersonUpdate those it was given.

    Raises PreconditionFailed for an outdated version, ManagerCycle for a superior who is led by the person, Invalid
    naming the field where company, branch and department do not fit together, or the dates, and what the Keeper answers
    for a last day.
    """
    changes = fields.model_dump() if isinstance(fields, PersonReplace) else fields.given()
    if changes.keys() & {*PLACE, "manager_id", "end_date", "status"}:
        await queries.hold_structure(work, change="manager_id" in changes or ended_by(changes) is not None)
    person = await queries.get_person(work, person_id=person_id, lock=True)
    await require_within(work, person, "update")
    check_version(person, expected)
    if changes.keys() & PLACE:
        changes |= await place(work, changes, person, "department_id")
        await require_move(work, person, changes)
    await _check_manager(work, person, changes)
    await _check_leave(work, person, changes)
    for name, value in changes.items():
        setattr(person, name, value)
    if person.department_id is not None:
        person.department = None
    enforce(guards.can_employ(person.start_date, person.end_date))
    if work.session.is_modified(person):
        work.record(PersonUpdated(entity=person))
        await work.flush()
    return person


@verb("directory.person.delete", writes=True, scoped=True)
async def delete_person(work: Work, *, person_id: UUID, expected: int | None = None) -> None:
    """Put a person into the trash.

    Raises PersonInUse while people or departments are led by them, and what the Keeper answers.
    """
    await queries.hold_structure(work, change=True)
    person = await queries.get_person(work, person_id=person_id, lock=True)
    await require_within(work, person, "delete")
    check_version(person, expected)
    await put_into_trash(work, person, cascade=False)


@verb("directory.person.restore", writes=True)
async def restore_person(work: Work, *, person_id: UUID, expected: int | None = None) -> Person:
    """Take a person out of the trash; raise StillDeleted or CodeTaken where that cannot be."""
    await queries.hold_structure(work, change=True)
    person = await queries.get_person(work, person_id=person_id, lock=True, deleted=True)
    check_version(person, expected)
    await take_from_trash(work, person)
    return person


async def _check_manager(work: Work, person: Person, changes: dict[str, Any]) -> None:
    manager = await named(work, Person, changes.get("manager_id"), "manager_id")
    if manager is not None and await queries.is_led_by(work, person_id=manager.id, top_id=person.id):
        message = "is the person or led by the person"
        raise ManagerCycle(f"body.manager_id: {message}", errors=[FieldError("body.manager_id", "cycle", message)])


async def _check_leave(work: Work, person: Person, changes: dict[str, Any]) -> None:
    field = ended_by(changes)
    if field is not None:
        await require_leave(work, {person.id: f"body.{field}"})


def _seen(work: Work, params: queries.PersonList) -> queries.PeopleSeen:
    return queries.PeopleSeen(**params.given(), within=units_of(work, "directory.person.read"))
