"""Deleting a row with all that it holds, and bringing it back as it went."""

from collections.abc import Collection, Iterable

from holdfast.core.directory import guards, queries
from holdfast.core.directory.facts import (
    BranchDeleted,
    BranchRestored,
    CompanyDeleted,
    CompanyRestored,
    DepartmentDeleted,
    DepartmentRestored,
    GroupDeleted,
    GroupRestored,
    PersonDeleted,
    PersonRestored,
)
from holdfast.core.directory.models import Branch, Company, Department, GroupMember, Person, PersonGroup, Record
from holdfast.core.directory.service.leaving import require_leave
from holdfast.kernel.db import NOBODY
from holdfast.kernel.facts import Fact
from holdfast.kernel.permissions import authorise, enforce
from holdfast.kernel.work import Work

DELETED: dict[type, type[Fact]] = {
    Company: CompanyDeleted,
    Branch: BranchDeleted,
    Department: DepartmentDeleted,
    Person: PersonDeleted,
    PersonGroup: GroupDeleted,
}
RESTORED: dict[type, type[Fact]] = {
    Company: CompanyRestored,
    Branch: BranchRestored,
    Department: DepartmentRestored,
    Person: PersonRestored,
    PersonGroup: GroupRestored,
}


# lint: allow verb – the part that the verbs of the five kinds share
async def put_into_trash(work: Work, row: Record, *, cascade: bool) -> None:
    """Delete a row; what it holds stands in the way, or goes with it by `cascade`, an entry a row.

    Raises CompanyInUse, BranchInUse, DepartmentInUse or PersonInUse with counts, Forbidden where something would go
    that the actor may not delete, and what the Keeper answers for people. The structure must be held alone.
    """
    held: list[Record] = []
    if cascade:
        held = await queries.list_held(work, row)
    else:
        enforce(guards.can_delete(row, await queries.count_held(work, row)))
    _authorise(work, held, "delete")
    gone = [row, *held]
    enforce(guards.can_go(row, await queries.count_led(work, gone)))
    await lay_aside(work, gone, root=row)


# lint: allow verb – the part that deleting and undoing an import share
async def lay_aside(
    work: Work, gone: Collection[Record], *, root: Record | None = None, reason: str | None = None
) -> None:
    """Delete rows that nothing stands in the way of, an entry a row; their memberships of groups end.

    All but `root` go with it; without one each goes by itself. Raises what the Keeper answers for people.
    """
    people = [each for each in gone if isinstance(each, Person)]
    await require_leave(work, {each.id: f"person.{each.number}" for each in people})
    for each in gone:
        each.deleted_at, each.deleted_key = work.now(), each.id
        each.deleted_with = None if root is None or each is root else root.id
        work.record(DELETED[type(each)](entity=each, reason=reason))
    for member, ended_with in await queries.list_ending(work, gone):
        member.left_at, member.open_key = max(work.now(), member.joined_at), member.id
        member.ended_with = ended_with


# lint: allow verb – the part that the verbs of the five kinds share
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
    await _rejoin(work, back)
    await work.flush()


async def _rejoin(work: Work, back: Collection[Record]) -> None:
    """Let the memberships that a deletion ended begin again; where the other side is in the trash, they wait for it."""
    for member, group, person in await queries.list_ended_with(work, back):
        away = next((each.id for each in (group, person) if each.deleted_key != NOBODY), None)
        member.ended_with = away
        if away is None:
            again = GroupMember(id=work.new_id(), group_id=group.id, person_id=person.id, joined_at=work.now())
            work.session.add(again)


def _authorise(work: Work, rows: Iterable[Record], action: str) -> None:
    """Ask for the right to do to each kind of row what is done to the row that holds them."""
    for kind in sorted({row.__tablename__ for row in rows}):
        authorise(work.actor, f"directory.{kind}.{action}")
