"""What lies within units of the organisation: one definition for lists, for decisions, for now and for any moment.

A unit is a pair of kind (company, branch, department, group or person) and id; a department is meant with all that is
below it. Each function returns a condition for `select().where()` in a session and for the filter of a list, where the
id may be the bind parameter that the filter was given. No units hold nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select

from holdfast.core.directory.models import Branch, Company, Department, GroupMember, Person, Placement
from holdfast.core.directory.queries.groups import member_at
from holdfast.kernel.db import NOBODY
from holdfast.kernel.work import Work

Kind = Literal["company", "branch", "department", "group", "person"]
Unit = tuple[str, Any]  # of a Kind


def people_within(units: Iterable[Unit], at: Any | None = None) -> ColumnElement[bool]:
    """Return the condition for the people within any of the units, with `at` for those who were at that moment.

    Now is what the person's own row says, in the trash too: whoever asks says whether those count. At a moment it is
    what `placement` and `group_member` say, so nobody is within anything while in the trash; the tree of departments is
    today's. Whether a person was employed is another question: `employed`.
    """
    ids = _by_kind(units)
    if at is None:
        placed = or_(_among(Person.id, ids["person"]), _placed(Person, ids))
    else:
        held = or_(Placement.valid_to.is_(None), Placement.valid_to > at)
        there = or_(_among(Placement.person_id, ids["person"]), _placed(Placement, ids))
        placed = Person.id.in_(select(Placement.person_id).where(there, Placement.valid_from <= at, held))
    if not ids["group"]:
        return placed
    members = select(GroupMember.person_id).where(_among(GroupMember.group_id, ids["group"]), member_at(at))
    return or_(placed, Person.id.in_(members))


def employed(at: Any) -> ColumnElement[bool]:
    """Return the condition for the people whose access has not ended at a moment."""
    return or_(Person.access_ends_at.is_(None), Person.access_ends_at > at)


def has_access(at: Any) -> ColumnElement[bool]:
    """Return the condition for the people who are not in the trash and whose access has not ended at a moment."""
    return and_(employed(at), Person.deleted_at.is_(None))


def staying() -> ColumnElement[bool]:
    """Return the condition for the people whose access has no end, neither a planned one nor by the trash."""
    return and_(Person.access_ends_at.is_(None), Person.deleted_key == NOBODY)


def departments_within(units: Iterable[Unit]) -> ColumnElement[bool]:
    """Return the condition for the departments of the companies and branches, and for those at or below departments."""
    ids = _by_kind(units)
    return or_(
        _among(Department.company_id, ids["company"]),
        _among(Department.branch_id, ids["branch"]),
        _at_or_below(Department.id, ids["department"]),
    )


def branches_within(units: Iterable[Unit]) -> ColumnElement[bool]:
    """Return the condition for the branches of the companies and for the branches themselves."""
    ids = _by_kind(units)
    return or_(_among(Branch.company_id, ids["company"]), _among(Branch.id, ids["branch"]))


def companies_within(units: Iterable[Unit]) -> ColumnElement[bool]:
    """Return the condition for the companies among the units."""
    return _among(Company.id, _by_kind(units)["company"])


# The kinds that a role may be limited to; a person stands for nobody but themselves.
SCOPES: tuple[Kind, ...] = ("company", "branch", "department", "group")


def any_kind(ids: Iterable[Any]) -> list[Unit]:
    """Return the units that ids may stand for, of which no two kinds share one: for the filter of a list."""
    return [(kind, each) for each in ids for kind in SCOPES]


def people_among(person_ids: Select[Any]) -> ColumnElement[bool]:
    """Return the condition for the people whose ids a query gives: for what slices above know of them."""
    return Person.id.in_(person_ids)


async def list_people_where(
    work: Work, condition: ColumnElement[bool], *, at: datetime | None, limit: int, offset: int
) -> tuple[Sequence[Person], int]:
    """Return some of the people whom a condition chooses, by name, and how many there are.

    They are those whose access has not ended; now those who are not in the trash, at a moment those who were not.
    """
    conditions = [condition, employed(at or work.now())]
    if at is None:
        conditions.append(Person.deleted_key == NOBODY)
    total = await work.session.scalar(select(func.count()).select_from(Person).where(*conditions))
    page = select(Person).where(*conditions).order_by(Person.name_key, Person.id).limit(limit).offset(offset)
    return (await work.session.scalars(page)).all(), total or 0


_WITHIN: dict[type[Any], Any] = {
    Person: people_within,
    Department: departments_within,
    Branch: branches_within,
    Company: companies_within,
}


async def is_within(work: Work, row: Company | Branch | Department | Person, units: Collection[Unit]) -> bool:
    """Tell whether a row lies within any of the units."""
    model = type(row)
    statement = select(model.id).where(model.id == row.id, _WITHIN[model](units))
    return await work.session.scalar(statement) is not None


async def is_department_within(work: Work, department_id: UUID, units: Collection[Unit]) -> bool:
    """Tell whether a department is one of the units or below one."""
    statement = select(Department.id).where(Department.id == department_id, departments_within(units))
    return await work.session.scalar(statement) is not None


def _by_kind(units: Iterable[Unit]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for kind, unit_id in units:
        found[kind].append(unit_id)
    return found


def _placed(place: Any, ids: defaultdict[str, list[Any]]) -> ColumnElement[bool]:
    """Return the condition for a row that says where a person works: the person's own, or a placement."""
    return or_(
        _among(place.company_id, ids["company"]),
        _among(place.branch_id, ids["branch"]),
        _at_or_below(place.department_id, ids["department"]),
    )


def _among(column: Any, ids: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition for a column that has one of the ids; a bind parameter takes its type from a comparison."""
    return or_(false(), *(column == each for each in ids))


def _at_or_below(column: Any, department_ids: list[Any]) -> ColumnElement[bool]:
    """Return the condition for a column that has one of the departments or one below, those in the trash too."""
    if not department_ids:
        return false()
    top = select(Department.tenant_id, Department.id).where(_among(Department.id, department_ids)).cte(recursive=True)
    under = and_(Department.tenant_id == top.c.tenant_id, Department.parent_id == top.c.id)
    tree = top.union(select(Department.tenant_id, Department.id).join_from(top, Department, under))
    found: ColumnElement[bool] = column.in_(select(tree.c.id))
    return found
