"""What is written with every change of a person, whoever makes it: where they work from when to when."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import UOWTransaction

from holdfast.core.directory.models import PLACED, Person, Placement, day_start
from holdfast.core.directory.queries.records import chunks
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import new_id
from holdfast.kernel.tenancy import TenantSession

# Here and not in the verbs, so that no way of changing a person can forget it: requests, imports, cascades, demo data.


# Before the kernel's listener, which gives new rows their tenant.
@event.listens_for(TenantSession, "before_flush", insert=True)
def _before(session: TenantSession, _context: UOWTransaction, _instances: object) -> None:
    people = [row for row in session.dirty if isinstance(row, Person)]
    moved = [person for person in people if _changed(person, (*PLACED, "deleted_key"))]
    if moved:
        _move(session, moved)


@event.listens_for(TenantSession, "after_flush")
def _after(session: TenantSession, _context: UOWTransaction) -> None:
    people = [row for row in session.new if isinstance(row, Person) and row.deleted_key == NOBODY]
    if people:
        # Past the unit of work, which takes three times as long: an import brings a hundred thousand.
        rows = [_first(session, person) for person in people]
        session.connection().execute(insert(Placement.__table__), rows)  # type: ignore[arg-type]


def _changed(row: object, names: Iterable[str]) -> bool:
    """Tell whether any of these attributes was set since the row was loaded."""
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


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
