"""From the rows of a file to people: first what each row would do, then doing it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.facts import PersonChangedByImport, PersonImported
from holdfast.core.directory.models import ImportedAs, ImportMode, Person
from holdfast.core.directory.service.cells import Faults
from holdfast.core.directory.service.circles import find_circles
from holdfast.core.directory.service.leaving import ended_by
from holdfast.core.directory.service.matching import Known, changes, check_change, check_names, match, wanted
from holdfast.core.directory.service.people_files import PeopleFile, Row
from holdfast.kernel.db import folded
from holdfast.kernel.facts import plain
from holdfast.kernel.work import Work

# Rows and entries of so many people are held in memory at once.
AT_ONCE = 200


@dataclass(slots=True)
class Outcome:
    """What a file does: the person of each line who is added, changed, or as the file says already.

    `ending` are those of the changed whose access ends by it, each with line and column.
    """

    known: Known
    created: dict[int, UUID] = field(default_factory=dict)
    updated: dict[int, UUID] = field(default_factory=dict)
    unchanged: dict[int, UUID] = field(default_factory=dict)
    ending: dict[UUID, tuple[int, str]] = field(default_factory=dict)


# lint: allow verb – the part of the verb that reads
async def examine(work: Work, file: PeopleFile, faults: Faults, *, lock: bool) -> Outcome:
    """Return what the file would do, its faults noted; with `lock` the people whom it changes stay as they are."""
    outcome = Outcome(await _known(work, file))
    known = outcome.known
    here = {row.number_key for row in file.rows if row.number_key}
    led: dict[int, UUID | None] = {}  # by line, the superior whom a person has
    for rows in _parts(_by_key(file)):
        found = await _people(work, file, rows, known, lock=lock)
        for row in rows:
            before = faults.count
            check_names(row, here, known, faults)
            person = match(row, file.plan, found.get(row.key, ()), known, faults)
            if person is not None:
                check_change(row, file.columns, person, known, faults)
                led[row.line] = person.manager_id
            if faults.count == before:
                _sort_in(work, row, person, file, outcome)
        await asyncio.sleep(0)  # others get their turn
    if not faults.count and led and "manager_number" in file.columns:
        await _check_managers(work, file, outcome, led, faults)
    return outcome


def _by_key(file: PeopleFile) -> list[Row]:
    """Return the rows so that the people of a part stand side by side in the index, where people are looked for."""
    return file.rows if file.plan.mode is ImportMode.INSERT else sorted(file.rows, key=attrgetter("key"))


def _sort_in(work: Work, row: Row, person: Any, file: PeopleFile, outcome: Outcome) -> None:
    """Note what a row does, superiors apart, who may come later."""
    if person is None:
        person_id = outcome.created[row.line] = work.new_id()
    else:
        person_id = person.id
        values = wanted(row, file.columns, person, outcome.known)
        values.pop("manager_id", None)
        changed = changes(person, values)
        (outcome.updated if changed else outcome.unchanged)[row.line] = person_id
        column = ended_by(changed)
        if column is not None:
            outcome.ending[person_id] = row.line, column
    if row.number_key:
        outcome.known.own[row.number_key] = person_id


async def _check_managers(
    work: Work, file: PeopleFile, outcome: Outcome, led: dict[int, UUID | None], faults: Faults
) -> None:
    """Note who gets another superior, and a fault for whoever would be their own."""
    managers: dict[UUID, UUID | None] = {}
    for row in file.rows:
        manager_id = outcome.known.leader(row.manager_key)
        if row.line in outcome.unchanged and led[row.line] != manager_id:
            outcome.updated[row.line] = outcome.unchanged.pop(row.line)
        person_id = outcome.updated.get(row.line) or outcome.created.get(row.line)
        if person_id is not None:
            managers[person_id] = manager_id
    circles = await find_circles(work, managers)
    for row in file.rows if circles else ():
        if (outcome.updated.get(row.line) or outcome.created.get(row.line)) in circles:
            faults.add(row.line, "manager_number", "cycle", f"{row.manager_number!r} is led by this person")


async def _known(work: Work, file: PeopleFile) -> Known:
    """Return what the organisation has of the companies, departments and people that the file names."""
    codes = {folded(row.company_code) for row in file.rows if row.company_code}
    keys = {folded(row.department) for row in file.rows if row.department}
    numbers = {key for row in file.rows for key in (row.number_key, row.manager_key) if key}
    known = Known(
        await queries.list_companies_by_code(work, code_keys=codes),
        await queries.list_people_by_number(work, number_keys=numbers),
    )
    known.learn(await queries.list_departments_called(work, keys=keys))
    return known


async def _people(
    work: Work, file: PeopleFile, rows: Sequence[Row], known: Known, *, lock: bool
) -> dict[str, list[Any]]:
    """Return the people of these rows by key, and know their departments where a company alone is given."""
    if file.plan.mode is ImportMode.INSERT:
        return {}
    found = await queries.list_people_to_change(work, key=file.plan.key, keys={row.key for row in rows}, lock=lock)
    if "company_code" in file.columns and "department" not in file.columns:
        ids = {person.department_id for people in found.values() for person in people} - known.departments.keys()
        known.learn(await queries.list_departments(work, department_ids=ids - {None}))
    return found


# lint: allow verb – the part of the verb that writes
async def write(work: Work, file: PeopleFile, outcome: Outcome, *, run_id: UUID) -> None:
    """Add the people, superiors first, then change those who are there, and remember what was done to each."""
    for rows in _parts([row for row in file.rows if row.line in outcome.created]):
        added = [_add(work, row, file, outcome) for row in rows]
        await work.flush()
        memory = [_memory(work, run_id, person, ImportedAs.CREATED, None) for person in added]
        await work.unload()
        await queries.insert_changes(work, memory)
    for rows in _parts([row for row in _by_key(file) if row.line in outcome.updated]):
        there = await queries.lock_people(work, person_ids=[outcome.updated[row.line] for row in rows])
        changed = [_change(work, row, there[outcome.updated[row.line]], file, outcome) for row in rows]
        await work.flush()
        memory = [_memory(work, run_id, person, ImportedAs.UPDATED, prior) for person, prior in changed]
        await work.unload()
        await queries.insert_changes(work, memory)


def _add(work: Work, row: Row, file: PeopleFile, outcome: Outcome) -> Person:
    person = Person(id=outcome.created[row.line], **wanted(row, file.columns, None, outcome.known))
    work.session.add(person)
    work.record(PersonImported(entity=person, line=row.line))
    return person


def _change(work: Work, row: Row, person: Person, file: PeopleFile, outcome: Outcome) -> tuple[Person, dict[str, Any]]:
    """Change a person and return what it changed, as it was before."""
    values = changes(person, wanted(row, file.columns, person, outcome.known))
    prior = {name: plain(getattr(person, name)) for name in values}
    for name, value in values.items():
        setattr(person, name, value)
    work.record(PersonChangedByImport(entity=person, line=row.line))
    return person, prior


def _memory(
    work: Work, run_id: UUID, person: Person, kind: ImportedAs, prior: dict[str, Any] | None
) -> dict[str, object]:
    return {
        "tenant_id": work.tenant_id,
        "id": work.new_id(),
        "run_id": run_id,
        "person_id": person.id,
        "kind": kind,
        "person_version": person.version,
        "prior": prior,
    }


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
