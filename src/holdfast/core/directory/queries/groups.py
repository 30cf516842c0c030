"""Who is in which group, and was when."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import join

from holdfast.core.directory.models import GroupMember, Person, PersonGroup, Record
from holdfast.core.directory.queries.records import chunks
from holdfast.core.directory.schemas.groups import (
    MemberOut,
    MembershipOut,
)
from holdfast.kernel.db import NOBODY
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Moment
from holdfast.kernel.work import Work


def member_at(moment: Any | None) -> ColumnElement[bool]:
    """Return the condition for the memberships that hold at a moment, with None for those that hold now."""
    if moment is None:
        return GroupMember.open_key == NOBODY
    return and_(GroupMember.joined_at <= moment, or_(GroupMember.left_at.is_(None), GroupMember.left_at > moment))


class MemberList(ListParameters):
    """The list of a group's members; `q` searches name and number."""

    at: Moment | None = None


class MembersOf(MemberList):
    """Which group's members, and whether only the present ones."""

    group_id: UUID
    present: bool | None = None


class MembershipList(ListParameters):
    """The list of a person's groups; `q` searches name and code."""

    at: Moment | None = None


class MembershipsOf(MembershipList):
    """Which person's groups, and whether only the present ones."""

    person_id: UUID
    present: bool | None = None


_BOUNDS = {name: getattr(GroupMember, name) for name in ("joined_at", "left_at")}
_WHEN = {"at": member_at, "present": lambda _: member_at(None)}

MEMBERS = HotList(
    "directory.members",
    join(GroupMember.__table__, Person.__table__, GroupMember.person_id == Person.id),
    columns={
        name: {"person_id": GroupMember.person_id, **_BOUNDS}.get(name) or getattr(Person, name)
        for name in MemberOut.model_fields
    },
    sorts={"name": Person.name_key, "number": Person.number_key, "joined_at": GroupMember.joined_at},
    default_sort="name",
    filters={"group_id": lambda value: GroupMember.group_id == value, **_WHEN},
    search=(Person.name_key, Person.number_key),
)

MEMBERSHIPS = HotList(
    "directory.memberships",
    join(GroupMember.__table__, PersonGroup.__table__, GroupMember.group_id == PersonGroup.id),
    columns={
        name: {"group_id": GroupMember.group_id, **_BOUNDS}.get(name) or getattr(PersonGroup, name)
        for name in MembershipOut.model_fields
    },
    sorts={"name": PersonGroup.name_key, "joined_at": GroupMember.joined_at},
    default_sort="name",
    filters={"person_id": lambda value: GroupMember.person_id == value, **_WHEN},
    search=(PersonGroup.name_key, PersonGroup.code_key),
)


async def count_members(work: Work, *, group_id: UUID) -> int:
    """Return how many people are in a group."""
    present = select(func.count()).select_from(GroupMember).where(GroupMember.group_id == group_id, member_at(None))
    return (await work.session.scalar(present)) or 0


async def list_unknown(work: Work, *, person_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the ids that no living person has."""
    wanted = set(person_ids)
    found: set[UUID] = set()
    for chunk in chunks(sorted(wanted)):
        found.update(
            await work.session.scalars(select(Person.id).where(Person.id.in_(chunk), Person.deleted_key == NOBODY))
        )
    return wanted - found


async def list_present(work: Work, *, group_id: UUID, person_ids: Collection[UUID]) -> list[GroupMember]:
    """Return the open memberships of these people in a group."""
    found: list[GroupMember] = []
    for chunk in chunks(sorted(person_ids)):
        here = GroupMember.group_id == group_id, GroupMember.person_id.in_(chunk), member_at(None)
        found += await work.session.scalars(select(GroupMember).where(*here))
    return found


async def list_ending(work: Work, rows: Collection[Record]) -> list[tuple[GroupMember, UUID]]:
    """Return the open memberships of and in these rows, each with the row that it goes with."""
    found: dict[UUID, tuple[GroupMember, UUID]] = {}
    for column, kind in ((GroupMember.person_id, Person), (GroupMember.group_id, PersonGroup)):
        for chunk in chunks([row.id for row in rows if isinstance(row, kind)]):
            for each in await work.session.scalars(select(GroupMember).where(column.in_(chunk), member_at(None))):
                found[each.id] = each, getattr(each, column.key)
    return list(found.values())


async def list_ended_with(work: Work, rows: Collection[Record]) -> list[tuple[GroupMember, PersonGroup, Person]]:
    """Return the memberships that the deletion of these rows ended, with group and person."""
    found: list[tuple[GroupMember, PersonGroup, Person]] = []
    for column, kind in ((GroupMember.person_id, Person), (GroupMember.group_id, PersonGroup)):
        for chunk in chunks([row.id for row in rows if isinstance(row, kind)]):
            statement = (
                select(GroupMember, PersonGroup, Person)
                .join(GroupMember.group)
                .join(GroupMember.person)
                .where(column.in_(chunk), GroupMember.ended_with == column)
            )
            found += [(each[0], each[1], each[2]) for each in await work.session.execute(statement)]
    return found
