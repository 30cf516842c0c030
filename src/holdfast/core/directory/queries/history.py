"""What is written with every change of a person, whoever makes it: where they work, when their access ends.

And with every change of the structure: a mark, by which cached trees know that they are past.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, event, insert, inspect, select, update
from sqlalchemy.orm import UOWTransaction

from holdfast.core.directory.models import (
    PLACED,
    SWEPT_EVERY,
    Branch,
    Company,
    Department,
    Organization,
    Person,
    PersonStatus,
    Placement,
    StructureMark,
    day_end,
    day_start,
)
from holdfast.core.directory.queries.records import chunks
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import new_id
from holdfast.kernel.tenancy import TenantSession
from holdfast.kernel.work import Work

IN_TREE: dict[type, tuple[str, ...]] = {
    Organization: ("name",),
    Company: ("code", "name", "deleted_key"),
    Branch: ("code", "name", "deleted_key"),
    Department: ("code", "name", "company_id", "branch_id", "parent_id", "deleted_key"),
}
# Past the unit of work, for what is written with very many rows, or very often.
_NEW_PLACEMENT, _NEW_MARK = insert(Placement), insert(StructureMark)

# Here and not in the verbs, so that no way of changing a person can forget it: requests, imports, cascades, demo data.


# Before the kernel's listener, which gives new rows their tenant.
@event.listens_for(TenantSession, "before_flush", insert=True)
def _before(session: TenantSession, _context: UOWTransaction, _instances: object) -> None:
    new, dirty = list(session.new), list(session.dirty)  # each asks anew: they are made once
    joining = [row for row in new if isinstance(row, Person)]
    changing = [row for row in dirty if isinstance(row, Person)]
    leaving = [person for person in changing if _changed(person, ("end_date", "status", "branch_id"))]
    if joining or leaving:
        _end_access(session, [*joining, *leaving])
    moved = [person for person in changing if _changed(person, (*PLACED, "deleted_key"))]
    if moved:
        _move(session, moved)
    if joining or moved or any(map(_stands_in_tree, [*new, *session.deleted])) or any(map(_looks_different, dirty)):
        _mark(session)


@event.listens_for(TenantSession, "after_flush")
def _after(session: TenantSession, _context: UOWTransaction) -> None:
    people = [row for row in session.new if isinstance(row, Person) and row.deleted_key == NOBODY]
    if people:
        session.connection().execute(_NEW_PLACEMENT, [_first(session, person) for person in people])


def _stands_in_tree(row: object) -> bool:
    return type(row) in IN_TREE


def _looks_different(row: object) -> bool:
    return type(row) in IN_TREE and _changed(row, IN_TREE[type(row)])


def _mark(session: TenantSession) -> None:
    """Begin another epoch of the structure with this transaction, once however many flushes it has."""
    if session.info.get("structure_marked"):
        return
    session.info["structure_marked"] = True
    mark = {"tenant_id": session.tenant_id, "id": new_id()}
    if mark["id"].int % SWEPT_EVERY == 0:
        # What others have not committed is not seen, so it stays; with this one's own the epoch is a new one.
        session.execute(delete(StructureMark), execution_options={"synchronize_session": False})
    session.connection().execute(_NEW_MARK, mark)


def _changed(row: object, names: Iterable[str]) -> bool:
    """Tell whether any of these attributes was set since the row was loaded."""
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _end_access(session: TenantSession, people: Sequence[Person]) -> None:
    """Let access end after the last day where the person works, or now for one who left without one."""
    now: datetime = session.info["now"]
    dated = [person for person in people if person.end_date is not None]
    zone = _zones(session, dated) if dated else None
    for person in people:
        if person.end_date is not None and zone is not None:
            person.access_ends_at = day_end(person.end_date, zone(person.branch_id))
        elif person.status != PersonStatus.LEFT:
            person.access_ends_at = None
        elif person.access_ends_at is None or person.access_ends_at > now:
            person.access_ends_at = now


def _zones(session: TenantSession, people: Sequence[Person]) -> Callable[[UUID | None], str]:
    """Return the function from a branch to the time zone there: the branch's own, else the organisation's."""
    organization = session.scalars(select(Organization)).first()
    home = organization.time_zone if organization else "UTC"
    branches = {row.id: row for row in session.new if isinstance(row, Branch)}
    wanted = {person.branch_id for person in people if person.branch_id is not None} - branches.keys()
    for chunk in chunks(sorted(wanted)):
        branches.update({row.id: row for row in session.scalars(select(Branch).where(Branch.id.in_(chunk)))})
    zones = {row.id: row.time_zone or home for row in branches.values()}
    return lambda branch_id: zones.get(branch_id, home) if branch_id else home


async def move_access(work: Work, *, zone: str, branch_id: UUID | None = None) -> None:
    """Let access end by another time zone for the people of a branch, or of all that have none of their own.

    The structure must be held alone. What is derived changes no version and leaves no entry.
    """
    if branch_id is not None:
        there = Person.branch_id == branch_id
    else:
        there = Person.branch_id.is_(None) | Person.branch_id.in_(select(Branch.id).where(Branch.time_zone.is_(None)))
    days = await work.session.scalars(select(Person.end_date).where(Person.end_date.is_not(None), there).distinct())
    for day in days.all():
        assert day is not None
        ids = (await work.session.scalars(select(Person.id).where(Person.end_date == day, there))).all()
        for chunk in chunks(ids):
            # Past the session, which keeps versions and entries of people.
            people = update(Person.__table__).where(  # type: ignore[arg-type]
                Person.tenant_id == work.tenant_id, Person.id.in_(chunk)
            )
            await (await work.session.connection()).execute(people.values(access_ends_at=day_end(day, zone)))


async def find_access_end(work: Work, *, person_id: UUID) -> datetime | None:
    """Return when a person's access ends or ended, be it by a deletion; None where it goes on without end."""
    found = await work.session.execute(select(Person.access_ends_at, Person.deleted_at).where(Person.id == person_id))
    row = found.first()
    ends = [moment for moment in row or () if moment is not None]
    return min(ends, default=None)


def _place(person: Person) -> dict[str, object]:
    return {name: getattr(person, name) for name in PLACED}


def _first(session: TenantSession, person: Person) -> dict[str, object]:
    """Return the first placement of a new person: from their first day where that is past."""
    since = person.created_at
    if person.start_date is not None:
        since = min(since, day_start(person.start_date))
    keys = {"tenant_id": session.tenant_id, "id": new_id(), "person_id": person.id, "open_key": NOBODY}
    return {**keys, **_place(person), "valid_from": since}


def _move(session: TenantSession, people: Sequence[Person]) -> None:
    """Close the open placement of each person, and open the next unless the person is in the trash."""
    now: datetime = session.info["now"]
    there = _open(session, [person.id for person in people])
    for person in people:
        living, place, at = person.deleted_key == NOBODY, _place(person), there.get(person.id)
        if at is not None:
            if living and at.valid_from >= now:  # twice in one moment: the first was never true
                for name, value in place.items():
                    setattr(at, name, value)
                continue
            if living and all(getattr(at, name) == value for name, value in place.items()):
                continue
            at.valid_to, at.open_key = max(now, at.valid_from), at.id
        if living:
            session.add(Placement(id=new_id(), person_id=person.id, valid_from=now, **place))


def _open(session: TenantSession, person_ids: Sequence[UUID]) -> dict[UUID, Placement]:
    found: dict[UUID, Placement] = {}
    for chunk in chunks(person_ids):
        statement = select(Placement).where(Placement.person_id.in_(chunk), Placement.open_key == NOBODY)
        found.update({row.person_id: row for row in session.scalars(statement)})
    return found
