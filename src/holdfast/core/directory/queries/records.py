"""Single rows, counts, and rows by what they are called."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute

from holdfast.core.directory.errors import (
    BranchNotFound,
    CompanyNotFound,
    DepartmentNotFound,
    GroupNotFound,
    PersonNotFound,
)
from holdfast.core.directory.models import Branch, Company, Department, Organization, Person, PersonGroup
from holdfast.kernel.db import NOBODY
from holdfast.kernel.work import Work

IN_CHUNK = 500
Row = TypeVar("Row", Company, Branch, Department, Person, PersonGroup)
Key = TypeVar("Key", str, UUID)


async def get_organization(work: Work, *, lock: bool = False) -> Organization:
    """Return the organisation's own record."""
    statement = select(Organization).where(Organization.id == work.tenant_id)
    found: Organization = (await work.session.scalars(statement.with_for_update() if lock else statement)).one()
    return found


async def hold_structure(work: Work, *, change: bool = False) -> None:
    """Keep the organisation's structure still until this transaction ends; with `change` nobody else may build on it.

    Whoever names a company, branch, department or superior holds it, so that none of them goes meanwhile; whoever
    moves, deletes or restores one holds it alone, so that two moves cannot make a circle. Ask before loading a row.
    """
    statement = select(Organization.id).where(Organization.id == work.tenant_id)
    await work.session.execute(statement.with_for_update(read=not change))


async def find(work: Work, model: type[Row], row_id: UUID, *, lock: bool = False, deleted: bool = False) -> Row | None:
    """Return a living row, with `deleted` also one in the trash."""
    statement = select(model).where(model.id == row_id)
    if not deleted:
        statement = statement.where(model.deleted_key == NOBODY)
    found: Row | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_company(work: Work, *, company_id: UUID, lock: bool = False, deleted: bool = False) -> Company:
    """Return a living company, with `deleted` also one in the trash; raise CompanyNotFound."""
    found = await find(work, Company, company_id, lock=lock, deleted=deleted)
    if found is None:
        raise CompanyNotFound
    return found


async def get_branch(work: Work, *, branch_id: UUID, lock: bool = False, deleted: bool = False) -> Branch:
    """Return a living branch, with `deleted` also one in the trash; raise BranchNotFound."""
    found = await find(work, Branch, branch_id, lock=lock, deleted=deleted)
    if found is None:
        raise BranchNotFound
    return found


async def count_companies(work: Work) -> int:
    """Return how many living companies there are."""
    statement = select(func.count()).select_from(Company).where(Company.deleted_key == NOBODY)
    return (await work.session.scalar(statement)) or 0


async def count_people(work: Work) -> int:
    """Return how many living people there are."""
    statement = select(func.count()).select_from(Person).where(Person.deleted_key == NOBODY)
    return (await work.session.scalar(statement)) or 0


async def get_department(work: Work, *, department_id: UUID, lock: bool = False, deleted: bool = False) -> Department:
    """Return a living department, with `deleted` also one in the trash; raise DepartmentNotFound."""
    found = await find(work, Department, department_id, lock=lock, deleted=deleted)
    if found is None:
        raise DepartmentNotFound
    return found


async def get_group(work: Work, *, group_id: UUID, lock: bool = False, deleted: bool = False) -> PersonGroup:
    """Return a living group, with `deleted` also one in the trash; raise GroupNotFound."""
    found = await find(work, PersonGroup, group_id, lock=lock, deleted=deleted)
    if found is None:
        raise GroupNotFound
    return found


async def get_person(work: Work, *, person_id: UUID, lock: bool = False, deleted: bool = False) -> Person:
    """Return a living person, with `deleted` also one in the trash; raise PersonNotFound."""
    found = await find(work, Person, person_id, lock=lock, deleted=deleted)
    if found is None:
        raise PersonNotFound
    return found


async def list_names(
    work: Work, kind: type[Company] | type[Branch] | type[Department] | type[Person], *, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return what rows of a kind are called, people with their numbers; those in the trash too."""
    found: dict[UUID, str] = {}
    for chunk in chunks(sorted(ids)):
        if issubclass(kind, Person):
            people = select(Person.id, Person.given_name, Person.family_name, Person.number).where(Person.id.in_(chunk))
            for row_id, given_name, family_name, number in await work.session.execute(people):
                found[row_id] = f"{given_name} {family_name} ({number})"
        else:
            rows = await work.session.execute(select(kind.id, kind.name).where(kind.id.in_(chunk)))
            found.update({row.id: row.name for row in rows})
    return found


async def list_companies_by_code(work: Work, *, code_keys: Collection[str]) -> dict[str, UUID]:
    """Return the id of each living company among the codes."""
    found: dict[str, UUID] = {}
    for chunk in chunks(sorted(code_keys)):
        rows = await work.session.execute(
            select(Company.code_key, Company.id).where(Company.code_key.in_(chunk), Company.deleted_key == NOBODY)
        )
        found.update({row.code_key: row.id for row in rows})
    return found


async def list_departments_called(work: Work, *, keys: Collection[str]) -> list[Department]:
    """Return the living departments whose code or name is among the keys."""
    found: dict[UUID, Department] = {}
    for chunk in chunks(sorted(keys)):
        called = Department.code_key.in_(chunk) | Department.name_key.in_(chunk)
        rows = await work.session.scalars(select(Department).where(called, Department.deleted_key == NOBODY))
        found.update({row.id: row for row in rows})
    return list(found.values())


async def list_people_by_number(work: Work, *, number_keys: Collection[str]) -> dict[str, UUID]:
    """Return the id of each living person among the numbers."""
    found: dict[str, UUID] = {}
    for chunk in chunks(sorted(number_keys)):
        rows = await work.session.execute(
            select(Person.number_key, Person.id).where(among(Person.number_key, chunk), Person.deleted_key == NOBODY)
        )
        found.update({row.number_key: row.id for row in rows})
        await asyncio.sleep(0)  # SQLite answers on the event loop: others get their turn between the chunks
    return found


def among(column: InstrumentedAttribute[Any], keys: Sequence[Key]) -> ColumnElement[bool]:
    """Return the condition for rows whose column holds one of these sorted keys, at least one.

    PostgreSQL tells only by statistics whether a list is worth its index; right after an import they say that the table
    is empty, and each list would be looked for in all of it. The range says so by itself.
    """
    return and_(column.in_(keys), column.between(keys[0], keys[-1]))


def chunks(keys: Sequence[Key]) -> list[Sequence[Key]]:
    """Divide keys into parts that a statement takes."""
    return [keys[start : start + IN_CHUNK] for start in range(0, len(keys), IN_CHUNK)]
