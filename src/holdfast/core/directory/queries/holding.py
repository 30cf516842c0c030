"""What a company, a branch or a department holds, and what stands in the way of its going and coming back."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, inspect, select

from holdfast.core.directory.models import Branch, Company, Department, Person, PersonGroup, Record, Unit
from holdfast.core.directory.queries.groups import count_members
from holdfast.core.directory.queries.records import chunks
from holdfast.kernel.db import NOBODY
from holdfast.kernel.work import Work

Kind = type[Company] | type[Branch] | type[Department] | type[Person] | type[PersonGroup]
KINDS: dict[str, Kind] = {
    "company": Company,
    "branch": Branch,
    "department": Department,
    "person": Person,
    "person_group": PersonGroup,
}


async def list_below(work: Work, *, department_id: UUID) -> list[Department]:
    """Return the departments below one, those above first, the deleted ones too."""
    found: list[Department] = []
    level = [department_id]
    while level:
        rows: list[Department] = []
        for chunk in chunks(level):
            rows += await work.session.scalars(select(Department).where(Department.parent_id.in_(chunk)))
        found += rows
        level = [row.id for row in rows]
    return found


async def is_below(work: Work, *, department_id: UUID, top_id: UUID) -> bool:
    """Tell whether a department is another one or below it."""
    at: UUID | None = department_id
    while at is not None and at != top_id:
        at = await work.session.scalar(select(Department.parent_id).where(Department.id == at))
    return at is not None


async def is_led_by(work: Work, *, person_id: UUID, top_id: UUID) -> bool:
    """Tell whether a person is another one or has it among the superiors."""
    at: UUID | None = person_id
    while at is not None and at != top_id:
        at = await work.session.scalar(select(Person.manager_id).where(Person.id == at))
    return at is not None


async def list_people_in(work: Work, *, department_ids: Sequence[UUID]) -> list[Person]:
    """Return the people of the departments, the deleted ones too."""
    found: list[Person] = []
    for chunk in chunks(department_ids):
        found += await work.session.scalars(select(Person).where(Person.department_id.in_(chunk)))
    return found


async def count_held(work: Work, row: Record) -> dict[Kind, int]:
    """Return how many living rows of each kind a row holds; a group holds its members, which do not go with it."""
    if isinstance(row, PersonGroup):
        return {Person: await count_members(work, group_id=row.id)}
    counts: dict[Kind, int] = {}
    for kind, column, ids in await _holdings(work, row):
        for chunk in chunks(ids):
            statement = select(func.count()).select_from(kind).where(column.in_(chunk), kind.deleted_key == NOBODY)
            counts[kind] = counts.get(kind, 0) + ((await work.session.scalar(statement)) or 0)
    return counts


async def list_held(work: Work, row: Record, *, deleted: bool = False) -> list[Record]:
    """Return the living rows that a row holds; with `deleted` those that went with it."""
    found: list[Record] = []
    for kind, column, ids in await _holdings(work, row):
        for chunk in chunks(ids):
            state = kind.deleted_with == row.id if deleted else kind.deleted_key == NOBODY
            found += await work.session.scalars(select(kind).where(column.in_(chunk), state).with_for_update())
    return found


async def _holdings(work: Work, row: Record) -> list[tuple[Kind, Any, list[UUID]]]:
    """Return kind, column and values of what a row holds."""
    if isinstance(row, Company):
        return [(kind, kind.company_id, [row.id]) for kind in (Branch, Department, Person)]
    if isinstance(row, Branch):
        return [(kind, kind.branch_id, [row.id]) for kind in (Department, Person)]
    if isinstance(row, Department):
        below = [each.id for each in await list_below(work, department_id=row.id)]
        return [(Department, Department.id, below), (Person, Person.department_id, [row.id, *below])]
    return []


async def count_led(work: Work, gone: Iterable[Record]) -> dict[Kind, int]:
    """Return how many people and departments that stay are led by people among those who go."""
    going = {row.id for row in gone}
    leaders = [row.id for row in gone if isinstance(row, Person)]
    counts: dict[Kind, int] = {}
    for kind, column in ((Person, Person.manager_id), (Department, Department.head_person_id)):
        led: set[UUID] = set()
        for chunk in chunks(leaders):
            led.update(await work.session.scalars(select(kind.id).where(column.in_(chunk), kind.deleted_key == NOBODY)))
        counts[kind] = len(led - going)
    return counts


async def list_deleted_targets(work: Work, rows: Collection[Record]) -> list[Record]:
    """Return the rows in the trash that these point at, apart from these themselves."""
    own = {row.id for row in rows}
    wanted: dict[str, set[UUID]] = {}
    for row in rows:
        for column, target in _references(type(row)):
            wanted.setdefault(target, set()).add(getattr(row, column))
    found: list[Record] = []
    for target, ids in wanted.items():
        kind = KINDS[target]
        for chunk in chunks(sorted(ids - own - {None})):
            found += await work.session.scalars(select(kind).where(kind.id.in_(chunk), kind.deleted_key != NOBODY))
    return found


async def list_taken(work: Work, rows: Collection[Record]) -> list[Record]:
    """Return those among the rows whose code or number a living row has."""
    taken: list[Record] = []
    for kind in KINDS.values():
        own = {_unique(row): row for row in rows if isinstance(row, kind)}
        column = Person.number_key if kind is Person else kind.code_key  # type: ignore[union-attr]
        there: list[Record] = []
        for chunk in chunks(sorted({key for _, key in own})):
            there += await work.session.scalars(select(kind).where(column.in_(chunk), kind.deleted_key == NOBODY))
        taken += [own[_unique(each)] for each in there if _unique(each) in own]
    return taken


def _unique(row: Record) -> tuple[UUID | None, str]:
    """Return where a row's code or number is unique, and the code or number."""
    if isinstance(row, Person):
        return None, row.number_key
    return None if isinstance(row, Company | PersonGroup) else row.company_id, row.code_key


def _references(kind: type[Unit]) -> list[tuple[str, str]]:
    table = inspect(kind).local_table
    assert isinstance(table, Table)
    return [(column.name, column.info["tenant_fk"]) for column in table.columns if "tenant_fk" in column.info]
