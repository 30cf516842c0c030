"""The whole structure at a glance, and people under their superiors."""

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, func, or_, select

from holdfast.core.directory.models import Person, StructureMark
from holdfast.core.directory.queries.records import chunks
from holdfast.core.directory.queries.scope import Unit, people_within
from holdfast.kernel.db import NOBODY, driver_value
from holdfast.kernel.engines.values import decoder
from holdfast.kernel.work import Work

# One statement, so that it shows one moment; on the driver, because objects of thousands of rows take three times as
# long. Where a kind lacks a column it repeats one: an untyped NULL is not the same on the three databases.
_PARTS = (
    "SELECT 0, id, id, id, id, code, name, 0, name_key FROM company WHERE {here}",
    "SELECT 1, id, company_id, id, id, code, name, 0, name_key FROM branch WHERE {here}",
    "SELECT 2, id, company_id, branch_id, parent_id, code, name, 0, name_key FROM department WHERE {here}",
    (
        "SELECT 3, tenant_id, company_id, branch_id, department_id, '', '', count(*), '' FROM person WHERE {here}"
        " GROUP BY tenant_id, company_id, branch_id, department_id"
    ),
)
_HERE = {
    "sqlite": "tenant_id = ? AND deleted_key = ?",
    "mysql": "tenant_id = %s AND deleted_key = %s",
    "postgresql": "tenant_id = $1 AND deleted_key = $2",
}
Rows = list[Sequence[Any]]


async def read_epoch(work: Work) -> bytes:
    """Return what is different after each commit that changed the structure, and never the same again."""
    marks = await work.session.scalars(select(StructureMark.id).order_by(StructureMark.id))
    return b"".join(mark.bytes for mark in marks)


async def read_structure(work: Work) -> tuple[Rows, Rows, Rows, Rows]:
    """Return what lives: companies, branches and departments by name, and counts of people; ids as the driver has them.

    Columns: kind, id, company, branch, department above (of people: their own), code, name, count.
    """
    dialect = work.link.dialect
    values = [driver_value(dialect, value) for value in (work.tenant_id, NOBODY)]
    if dialect != "postgresql":
        values *= len(_PARTS)
    kinds: tuple[Rows, Rows, Rows, Rows] = ([], [], [], [])
    for row in await work.link.fetch(" UNION ALL ".join(_PARTS).format(here=_HERE[dialect]), values):
        kinds[row[0]].append(row)
    for rows in kinds[:3]:
        rows.sort(key=itemgetter(8, 1))  # here, because SQLite would sort the counts with them
    return kinds


def id_writer(work: Work) -> Callable[[Any], str]:
    """Return the function from an id as the driver has it to its text."""
    return decoder(Uuid(), work.link.sql_dialect) or str


async def list_led(
    work: Work, *, manager_ids: Collection[UUID] | None, limit: int, units: Collection[Unit] | None = None
) -> list[Person]:
    """Return the people whom these lead, or with None those without a superior, by name; at most `limit`.

    With `units` only those within them; those without a superior are then those who have none there.
    """
    statement = select(Person).where(Person.deleted_key == NOBODY).order_by(Person.name_key, Person.id).limit(limit)
    top: ColumnElement[bool] = Person.manager_id.is_(None)
    if units is not None:
        there = people_within(units)
        statement = statement.where(there)
        top = or_(top, Person.manager_id.not_in(select(Person.id).where(there).correlate(None)))
    if manager_ids is None:
        return list(await work.session.scalars(statement.where(top)))
    found: list[Person] = []
    for chunk in chunks(sorted(manager_ids)):
        found += await work.session.scalars(statement.where(Person.manager_id.in_(chunk)))
    return sorted(found, key=lambda person: (person.name_key, person.id))[:limit]


async def count_reports(
    work: Work, *, person_ids: Collection[UUID], units: Collection[Unit] | None = None
) -> dict[UUID, int]:
    """Return how many people each of these leads, with `units` within them; who leads nobody is left out."""
    found: dict[UUID, int] = {}
    seen = () if units is None else (people_within(units),)
    for chunk in chunks(sorted(person_ids)):
        rows = await work.session.execute(
            select(Person.manager_id, func.count().label("reports"))
            .where(Person.manager_id.in_(chunk), Person.deleted_key == NOBODY, *seen)
            .group_by(Person.manager_id)
        )
        found.update({row.manager_id: row.reports for row in rows})
    return found
