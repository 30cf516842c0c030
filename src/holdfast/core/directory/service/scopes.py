"""Keeping to units: what somebody sees and changes whose role holds in a part of the organisation only."""

from collections.abc import Mapping
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.errors import BranchNotFound, CompanyNotFound, DepartmentNotFound, PersonNotFound
from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.kernel.errors import Forbidden, NotFound
from holdfast.kernel.permissions import Unit
from holdfast.kernel.work import Work

Placed = Company | Branch | Department | Person
_NOT_FOUND: dict[type[Placed], type[NotFound]] = {
    Company: CompanyNotFound,
    Branch: BranchNotFound,
    Department: DepartmentNotFound,
    Person: PersonNotFound,
}


def units_of(work: Work, permission: str) -> list[UUID] | None:
    """Return the ids of the units to which a list is kept, None for the whole organisation."""
    units = work.actor.units(permission)
    return None if units is None else sorted(unit_id for _, unit_id in units)


# lint: allow verb – a step of verbs that keep to units
async def require_seen(work: Work, row: Placed) -> None:
    """Raise the row's NotFound where it lies in no unit in which the caller may read its kind."""
    if not await _is_within(work, row, work.actor.units(f"directory.{row.__tablename__}.read")):
        raise _NOT_FOUND[type(row)]


# lint: allow verb – a step of verbs that keep to units
async def require_within(work: Work, row: Placed, action: str) -> None:
    """Raise Forbidden where a row lies in no unit in which the caller may do this to its kind.

    One that the caller may not even see is not there: its NotFound is raised.
    """
    if await _is_within(work, row, work.actor.units(f"directory.{row.__tablename__}.{action}")):
        return
    await require_seen(work, row)
    raise _outside(f"directory.{row.__tablename__}.{action}")


# lint: allow verb – a step of verbs that keep to units
async def require_place(work: Work, kind: str, action: str, place: Mapping[str, object]) -> None:
    """Raise Forbidden for a place, as company, branch and department ids, in none of the caller's units."""
    permission = f"directory.{kind}.{action}"
    units = work.actor.units(permission)
    if units is None:
        return
    named = {("company", place.get("company_id")), ("branch", place.get("branch_id"))}
    department_id = place.get("department_id") or place.get("parent_id")
    if units & named:
        return
    if isinstance(department_id, UUID) and await queries.is_department_within(work, department_id, units):
        return
    raise _outside(permission)


# lint: allow verb – a step of verbs that keep to units
async def require_move(work: Work, row: Department | Person, changes: Mapping[str, object]) -> None:
    """Raise Forbidden where a row goes to a place in none of the units in which the caller may change its kind."""
    place = {
        name: changes[name] for name in ("company_id", "branch_id", "department_id", "parent_id") if name in changes
    }
    if any(getattr(row, name) != value for name, value in place.items()):
        await require_place(work, row.__tablename__, "update", place)


async def _is_within(work: Work, row: Placed, units: frozenset[Unit] | None) -> bool:
    return units is None or await queries.is_within(work, row, units)


def _outside(permission: str) -> Forbidden:
    return Forbidden(f"The permission {permission} is needed in this part of the organisation.")
