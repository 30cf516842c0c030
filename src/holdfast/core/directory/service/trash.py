"""Deleting a row with all that it holds, and bringing it back as it went."""

from collections.abc import Iterable

from holdfast.core.directory import guards, queries
from holdfast.core.directory.facts import (
    BranchDeleted,
    BranchRestored,
    CompanyDeleted,
    CompanyRestored,
    DepartmentDeleted,
    DepartmentRestored,
    PersonDeleted,
    PersonRestored,
)
from holdfast.core.directory.models import Branch, Company, Department, Person, Record
from holdfast.kernel.db import NOBODY
from holdfast.kernel.facts import Fact
from holdfast.kernel.permissions import authorise, enforce
from holdfast.kernel.work import Work

DELETED: dict[type, type[Fact]] = {
    Company: CompanyDeleted,
    Branch: BranchDeleted,
    Department: DepartmentDeleted,
    Person: PersonDeleted,
}
RESTORED: dict[type, type[Fact]] = {
    Company: CompanyRestored,
    Branch: BranchRestored,
    Department: DepartmentRestored,
    Person: PersonRestored,
}


# lint: allow verb – the part that the verbs of the four kinds share
async def put_into_trash(work: Work, row: Record, *, cascade: bool) -> None:
    """Delete a row; what it holds stands in the way, or goes with it by `cascade`, an entry a row.

    Raises CompanyInUse, BranchInUse, DepartmentInUse or PersonInUse with counts, and Forbidden where something would
    go that the actor may not delete. The structure must be held.
    """
    held: list[Record] = []
    if cascade:
        held = await queries.list_held(work, row)
    else:
        enforce(guards.can_delete(row, await queries.count_held(work, row)))
    _authorise(work, held, "delete")
    gone = [row, *held]
    enforce(guards.can_go(row, await queries.count_led(work, gone)))
    for each in gone:
        each.deleted_at, each.deleted_key = work.now(), each.id
        each.deleted_with = None if each is row else row.id
        work.record(DELETED[type(each)](entity=each))


# lint: allow verb – the part that the verbs of the four kinds share
async def take_from_trash(work: Work, row: Record) -> None:
    """Restore a row and what went with it, all of it or nothing.

    Raises StillDeleted where something that one of them belongs to is in the trash, and CodeTaken where another has a
    code or number meanwhile. The structure must be held.
    """
    enforce(guards.can_restore(row))
    held = await queries.list_held(work, row, deleted=True)
    _authorise(work, held, "restore")
    back = [row, *held]
    enforce(guards.can_come_back(await queries.list_deleted_targets(work, back)))
    enforce(guards.can_be_called(await queries.list_taken(work, back)))
    for each in back:
        each.deleted_at, each.deleted_key, each.deleted_with = None, NOBODY, None
        work.record(RESTORED[type(each)](entity=each))
    await work.flush()


def _authorise(work: Work, rows: Iterable[Record], action: str) -> None:
    """Ask for the right to do to each kind of row what is done to the row that holds them."""
    for kind in sorted({row.__tablename__ for row in rows}):
        authorise(work.actor, f"directory.{kind}.{action}")
