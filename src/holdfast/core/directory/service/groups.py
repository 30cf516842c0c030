"""What people do with groups."""

from collections.abc import Sequence
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.errors import MemberNotFound
from holdfast.core.directory.facts import GroupCreated, GroupMemberRemoved, GroupMembersAdded, GroupUpdated
from holdfast.core.directory.models import GroupMember, PersonGroup
from holdfast.core.directory.schemas.groups import (
    GroupCreate,
    GroupReplace,
    GroupUpdate,
)
from holdfast.core.directory.service.trash import put_into_trash, take_from_trash
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import authorise, verb
from holdfast.kernel.work import Work, check_version


@verb("directory.group.read")
async def list_groups(work: Work, params: queries.GroupList) -> bytes:
    """Return one page of groups as JSON."""
    return await queries.GROUPS.page(work, params)


@verb("directory.group.read")
async def read_group(work: Work, *, group_id: UUID) -> PersonGroup:
    """Return a group; raise GroupNotFound."""
    return await queries.get_group(work, group_id=group_id)


@verb("directory.group.create", writes=True)
async def create_group(work: Work, fields: GroupCreate) -> PersonGroup:
    """Add a group; a code that is taken, whatever its case, is refused with UniqueViolation."""
    group = PersonGroup(id=work.new_id(), **fields.model_dump())
    work.session.add(group)
    work.record(GroupCreated(entity=group))
    await work.flush()
    return group


@verb("directory.group.update", writes=True)
async def update_group(
    work: Work, *, group_id: UUID, fields: GroupReplace | GroupUpdate, expected: int | None = None
) -> PersonGroup:
    """Change a group: a GroupReplace sets every field, a GroupUpdate those it was given.

    Raises PreconditionFailed when the group is no longer at the version `expected`.
    """
    group = await queries.get_group(work, group_id=group_id, lock=True)
    check_version(group, expected)
    changes = fields.model_dump() if isinstance(fields, GroupReplace) else fields.given()
    for name, value in changes.items():
        setattr(group, name, value)
    if work.session.is_modified(group):
        work.record(GroupUpdated(entity=group))
        await work.flush()
    return group


@verb("directory.group.delete", writes=True)
async def delete_group(work: Work, *, group_id: UUID, expected: int | None = None, cascade: bool = False) -> None:
    """Put a group into the trash, by `cascade` also one with people in it, who leave it; raise GroupInUse with counts.

    Nobody is deleted with it.
    """
    await queries.hold_structure(work, change=True)
    group = await queries.get_group(work, group_id=group_id, lock=True)
    check_version(group, expected)
    await put_into_trash(work, group, cascade=cascade)


@verb("directory.group.restore", writes=True)
async def restore_group(work: Work, *, group_id: UUID, expected: int | None = None) -> PersonGroup:
    """Take a group out of the trash, with those who were in it when it went; raise CodeTaken where that cannot be."""
    await queries.hold_structure(work, change=True)
    group = await queries.get_group(work, group_id=group_id, lock=True, deleted=True)
    check_version(group, expected)
    await take_from_trash(work, group)
    return group


@verb("directory.group.read")
async def list_members(work: Work, params: queries.MemberList, *, group_id: UUID) -> bytes:
    """Return one page of who is in a group, or was at a moment, as JSON; raise GroupNotFound.

    Also those are shown who were in it then and are in the trash today.
    """
    authorise(work.actor, "directory.person.read")
    await queries.get_group(work, group_id=group_id)
    present = None if params.at else True
    return await queries.MEMBERS.page(work, queries.MembersOf(group_id=group_id, present=present, **params.given()))


@verb("directory.person.read")
async def list_memberships(work: Work, params: queries.MembershipList, *, person_id: UUID) -> bytes:
    """Return one page of the groups that a person is in, or was at a moment, as JSON; raise PersonNotFound."""
    authorise(work.actor, "directory.group.read")
    await queries.get_person(work, person_id=person_id)
    chosen = queries.MembershipsOf(person_id=person_id, present=None if params.at else True, **params.given())
    return await queries.MEMBERSHIPS.page(work, chosen)


@verb("directory.group.assign", writes=True)
async def add_members(work: Work, *, group_id: UUID, person_ids: Sequence[UUID]) -> int:
    """Put people into a group and return how many were not in it before.

    Raises GroupNotFound, and Invalid naming each place of the list where there is no such person.
    """
    await queries.hold_structure(work)
    group = await queries.get_group(work, group_id=group_id, lock=True)
    unknown = await queries.list_unknown(work, person_ids=person_ids)
    if unknown:
        places = [place for place, person_id in enumerate(person_ids) if person_id in unknown]
        faults = [FieldError(f"body.person_ids.{place}", "unknown", "there is no such person") for place in places]
        raise Invalid(f"body.person_ids: {len(unknown)} of them are no people of the organisation.", errors=faults)
    present = await queries.list_present(work, group_id=group_id, person_ids=set(person_ids))
    joining = tuple(sorted(set(person_ids) - {member.person_id for member in present}))
    for person_id in joining:
        work.session.add(GroupMember(id=work.new_id(), group_id=group_id, person_id=person_id, joined_at=work.now()))
    if joining:
        work.record(GroupMembersAdded(entity=group, people=joining))
        await work.flush()
    return len(joining)


@verb("directory.group.assign", writes=True)
async def remove_member(work: Work, *, group_id: UUID, person_id: UUID) -> None:
    """Take a person out of a group; raise GroupNotFound, or MemberNotFound for one who is not in it."""
    group = await queries.get_group(work, group_id=group_id, lock=True)
    present = await queries.list_present(work, group_id=group_id, person_ids=[person_id])
    if not present:
        raise MemberNotFound
    member = present[0]
    member.left_at, member.open_key = max(work.now(), member.joined_at), member.id
    work.record(GroupMemberRemoved(entity=group, person=person_id))
