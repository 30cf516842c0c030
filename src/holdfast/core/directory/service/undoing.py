"""What imports did, and undoing one as a whole."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from holdfast.core.directory import guards, queries
from holdfast.core.directory.errors import ChangedSinceImport
from holdfast.core.directory.facts import PeopleImportUndone, PersonUpdated
from holdfast.core.directory.models import Department, ImportChange, ImportedAs, ImportRun, Person, PersonStatus
from holdfast.core.directory.service.circles import find_circles
from holdfast.core.directory.service.leaving import ended_by, require_leave
from holdfast.core.directory.service.trash import lay_aside
from holdfast.kernel.errors import FieldError
from holdfast.kernel.permissions import authorise, enforce, verb
from holdfast.kernel.work import Work, check_version


@verb("directory.person.import")
async def list_imports(work: Work, params: queries.ImportList) -> bytes:
    """Return one page of imports as JSON."""
    return await queries.IMPORTS.page(work, params)


@verb("directory.person.import")
async def read_import(work: Work, *, import_id: UUID) -> ImportRun:
    """Return an import; raise ImportNotFound."""
    return await queries.get_import(work, import_id=import_id)


@verb("directory.person.import", writes=True)
async def undo_import(work: Work, *, import_id: UUID, expected: int | None = None) -> ImportRun:
    """Undo an import: whom it changed are as before, whom it added go into the trash, an entry a person.

    All of it or nothing: raises ImportUndone for a second time, ChangedSinceImport naming the people who were changed
    after it or cannot be as before, PersonInUse with counts where added people lead others who stay, and what the
    Keeper answers where somebody's access would end. It takes the rights to change and to delete people as far as that
    is what it does.
    """
    await queries.hold_structure(work, change=True)
    run = await queries.get_import(work, import_id=import_id, lock=True)
    check_version(run, expected)
    enforce(guards.can_undo(run))
    if run.updated_count:
        authorise(work.actor, "directory.person.update")
    if run.created_count:
        authorise(work.actor, "directory.person.delete")
    enforce(guards.can_be_as_before(*await queries.list_changed_since(work, import_id=import_id, limit=guards.LISTED)))
    why = f"Undo of the import of {run.file_name}"
    run.undone_at, run.undone_by = work.now(), work.actor.id
    work.record(PeopleImportUndone(entity=run))
    await work.flush()
    managers: dict[UUID, UUID | None] = {}
    gone: set[UUID] = set()
    for kind in (ImportedAs.UPDATED, ImportedAs.CREATED):  # who was given an added superior first gets the former one
        ids = await queries.list_change_ids(work, import_id=import_id, kind=kind)
        for chunk in queries.chunks(ids):
            part = await queries.list_changes(work, change_ids=chunk)
            people = await queries.lock_people(work, person_ids=[each.person_id for each in part])
            if kind is ImportedAs.UPDATED:
                await _restore(work, part, people, managers, why)
                await _reconnect(work, part, people)
            else:
                await lay_aside(work, people.values(), reason=why)
                gone |= people.keys()
            await work.unload()
    if await find_circles(work, managers):
        raise ChangedSinceImport("Superiors were changed after it: some people would be led by those they lead.")
    enforce(guards.can_leave(await queries.count_led_by(work, person_ids=gone)))
    return await queries.get_import(work, import_id=import_id)


async def _restore(
    work: Work,
    part: Sequence[ImportChange],
    people: Mapping[UUID, Person],
    managers: dict[UUID, UUID | None],
    why: str,
) -> None:
    """Give people their former values back; note their superiors."""
    moved: list[Person] = []
    numbered: dict[str, Person] = {}
    leaving: dict[UUID, str] = {}
    for change in part:
        person = people[change.person_id]
        assert isinstance(change.prior, dict)
        prior = {name: _read(name, value) for name, value in change.prior.items()}
        for name, value in prior.items():
            setattr(person, name, value)
        if ended_by(prior) is not None:
            leaving[person.id] = f"person.{person.number}"
        work.record(PersonUpdated(entity=person, reason=why))
        managers[person.id] = person.manager_id
        if "number" in change.prior:
            numbered[person.number_key] = person
        if change.prior.keys() & {"company_id", "branch_id", "department_id"}:
            moved.append(person)
    await require_leave(work, leaving)
    taken = await queries.list_people_by_number(work, number_keys=numbered)
    enforce(guards.can_be_called([numbered[key] for key, row_id in taken.items() if row_id != numbered[key].id]))
    enforce(guards.can_come_back(await queries.list_deleted_targets(work, list(people.values()))))
    ids = {person.department_id for person in moved if person.department_id is not None}
    departments = {each.id: each for each in await queries.list_departments(work, department_ids=ids)}
    strangers = [person.number for person in moved if not _fits(person, departments)]
    if strangers:
        raise ChangedSinceImport(
            "Departments were moved after it.",
            errors=[FieldError(f"person.{number}", "moved", "the former department was moved") for number in strangers],
        )


async def _reconnect(work: Work, part: Sequence[ImportChange], people: Mapping[UUID, Person]) -> None:
    """Let an earlier import find its people as it left them: they are again as before the one that is undone."""
    await work.flush()
    left = {change.person_id: change.person_version - 1 for change in part}
    for earlier in await queries.list_changes_of(work, person_ids=left):
        if earlier.person_version == left[earlier.person_id]:
            earlier.person_version = people[earlier.person_id].version


def _fits(person: Person, departments: Mapping[UUID, Department]) -> bool:
    if person.department_id is None:
        return True
    upper = departments[person.department_id]
    return upper.company_id == person.company_id and upper.branch_id in (None, person.branch_id)


def _read(name: str, value: object) -> Any:
    """Return a value as the person holds it, from the text that was kept of it."""
    if not isinstance(value, str):
        return value
    if name.endswith("_date"):
        return date.fromisoformat(value)
    if name.endswith("_id"):
        return UUID(value)
    return PersonStatus(value) if name == "status" else value
