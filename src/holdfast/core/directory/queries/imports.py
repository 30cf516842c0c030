"""People as an import finds them, and what imports did."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, inspect, select
from sqlalchemy.orm import InstrumentedAttribute

from holdfast.core.directory.errors import ImportNotFound
from holdfast.core.directory.models import Department, ImportChange, ImportedAs, ImportKey, ImportRun, Person
from holdfast.core.directory.queries.records import among, chunks
from holdfast.core.directory.schemas.files import ImportOut
from holdfast.kernel.db import NOBODY
from holdfast.kernel.engines.inserts import insert_rows
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.work import Work

_KEYS: dict[ImportKey, InstrumentedAttribute[Any]] = {
    ImportKey.NUMBER: Person.number_key,
    ImportKey.EMAIL: Person.email_key,
}
# What an import may change of a person.
IMPORTED = (
    "number",
    "given_name",
    "family_name",
    "email",
    "phone",
    "job_title",
    "department",
    "company_id",
    "branch_id",
    "department_id",
    "manager_id",
    "start_date",
    "end_date",
    "status",
)
_FOUND = (Person.id, Person.deleted_key, *(getattr(Person, name) for name in IMPORTED))
_CHANGES = inspect(ImportChange).local_table


class ImportList(ListParameters):
    """Filters of the list of imports."""

    undone: bool | None = None


IMPORTS = HotList(
    "directory.imports",
    ImportRun,
    columns={name: getattr(ImportRun, name) for name in ImportOut.model_fields},
    sorts={"created_at": ImportRun.created_at},
    default_sort="-created_at",
    filters={"undone": lambda value: ImportRun.undone_at.is_not(None) if value else ImportRun.undone_at.is_(None)},
)


async def list_people_to_change(
    work: Work, *, key: ImportKey, keys: Collection[str], lock: bool
) -> dict[str, list[Row[Any]]]:
    """Return the people of each key, those in the trash too, as `id, deleted_key` and the columns of IMPORTED.

    With `lock` they stay as they are until this transaction ends; locked in the order of their ids, so that nobody
    waits in a circle.
    """
    column, found = _KEYS[key], dict[str, list[Row[Any]]]()
    for chunk in chunks(sorted(keys)):
        statement = select(column.label("key"), *_FOUND).where(among(column, chunk)).order_by(Person.id)
        for row in await work.session.execute(statement.with_for_update() if lock else statement):
            found.setdefault(row.key, []).append(row)
        await asyncio.sleep(0)
    return found


async def lock_people(work: Work, *, person_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Return the people with these ids, locked, in the order of their ids."""
    found: dict[UUID, Person] = {}
    for chunk in chunks(sorted(person_ids)):
        statement = select(Person).where(among(Person.id, chunk)).order_by(Person.id).with_for_update()
        found.update({person.id: person for person in await work.session.scalars(statement)})
    return found


async def list_managers(work: Work, *, person_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Return the superior of each of these people."""
    found: dict[UUID, UUID | None] = {}
    for chunk in chunks(sorted(person_ids)):
        rows = await work.session.execute(select(Person.id, Person.manager_id).where(among(Person.id, chunk)))
        found.update({row.id: row.manager_id for row in rows})
        await asyncio.sleep(0)
    return found


async def list_departments(work: Work, *, department_ids: Collection[UUID]) -> list[Department]:
    """Return the living departments with these ids."""
    found: list[Department] = []
    for chunk in chunks(sorted(department_ids)):
        statement = select(Department).where(Department.id.in_(chunk), Department.deleted_key == NOBODY)
        found += await work.session.scalars(statement)
    return found


async def insert_changes(work: Work, changes: Sequence[Mapping[str, Any]]) -> None:
    """Insert the memory of what was done to people who are written already."""
    assert isinstance(_CHANGES, Table)
    await insert_rows(work.link, [(_CHANGES, changes)])


async def get_import(work: Work, *, import_id: UUID, lock: bool = False) -> ImportRun:
    """Return an import; raise ImportNotFound."""
    statement = select(ImportRun).where(ImportRun.id == import_id)
    found: ImportRun | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise ImportNotFound
    return found


async def list_change_ids(work: Work, *, import_id: UUID, kind: ImportedAs) -> list[UUID]:
    """Return the ids of the changes of one kind of an import, in order."""
    statement = select(ImportChange.id).where(ImportChange.run_id == import_id, ImportChange.kind == kind)
    return list(await work.session.scalars(statement.order_by(ImportChange.id)))


async def list_changes(work: Work, *, change_ids: Sequence[UUID]) -> list[ImportChange]:
    """Return the changes with these ids, which are sorted."""
    return list(await work.session.scalars(select(ImportChange).where(among(ImportChange.id, change_ids))))


async def list_changes_of(work: Work, *, person_ids: Collection[UUID]) -> list[ImportChange]:
    """Return what all imports did to these people."""
    statement = select(ImportChange).where(among(ImportChange.person_id, sorted(person_ids)))
    return list(await work.session.scalars(statement))


async def list_changed_since(work: Work, *, import_id: UUID, limit: int) -> tuple[int, list[str]]:
    """Return how many people of an import were changed after it, and the numbers of the first of them."""
    changed = (
        select(Person.number)
        .select_from(ImportChange)
        .join(Person, (Person.tenant_id == ImportChange.tenant_id) & (Person.id == ImportChange.person_id))
        .where(ImportChange.run_id == import_id, Person.version != ImportChange.person_version)
    )
    count = await work.session.scalar(changed.with_only_columns(func.count()))
    numbers = await work.session.scalars(changed.order_by(Person.number_key).limit(limit)) if count else ()
    return count or 0, list(numbers)


async def count_led_by(work: Work, *, person_ids: Collection[UUID]) -> dict[type, int]:
    """Return how many living people and departments these people lead."""
    counts: dict[type, int] = {Person: 0, Department: 0}
    for chunk in chunks(sorted(person_ids)):
        for model, column in ((Person, Person.manager_id), (Department, Department.head_person_id)):
            statement = select(func.count()).select_from(model).where(among(column, chunk), model.deleted_key == NOBODY)
            counts[model] += (await work.session.scalar(statement)) or 0
    return counts
