"""Giving roles and taking them away."""

from uuid import UUID

from holdfast.core.directory.public import hold_structure, name_unit
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import AssignmentNotFound, OwnRoles
from holdfast.core.identity.facts import RoleAssigned, RoleEndSet, RoleRevoked
from holdfast.core.identity.models import RoleAssignment, ScopeKind, User
from holdfast.core.identity.schemas import AssignmentCreate, AssignmentOut, AssignmentUpdate
from holdfast.core.identity.service.administrators import hold_administrators, require_other_administrator
from holdfast.core.identity.service.rights import find_role, permissions_of
from holdfast.kernel.db import NOBODY
from holdfast.kernel.errors import Invalid
from holdfast.kernel.permissions import enforce, verb, verb_of
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work

UNITS = (ScopeKind.COMPANY, ScopeKind.BRANCH, ScopeKind.DEPARTMENT, ScopeKind.GROUP)


@verb("identity.role.read")
async def list_assignments(work: Work, params: queries.AssignmentList, *, user_id: UUID) -> Page[AssignmentOut]:
    """Return one page of a user's roles; raise UserNotFound."""
    await queries.get_user(work, user_id=user_id)
    asked = {name: value for name, value in params.given().items() if name != "ended"}
    held_at = None if params.ended else work.now()
    listed = queries.AssignmentsOf(**asked, user_id=user_id, held_at=held_at)
    rows, meta = await queries.ASSIGNMENTS.rows_and_meta(work, listed)
    return Page[AssignmentOut](data=[AssignmentOut(**row) for row in rows], meta=Meta.model_validate(meta))


@verb("identity.role.read")
async def read_assignment(work: Work, *, user_id: UUID, assignment_id: UUID) -> RoleAssignment:
    """Return a role of a user, held or not any more; raise UserNotFound or AssignmentNotFound."""
    await queries.get_user(work, user_id=user_id)
    return await queries.get_assignment(work, user_id=user_id, assignment_id=assignment_id)


@verb("identity.role.assign", writes=True, step_up=True)
async def assign_role(work: Work, *, user_id: UUID, fields: AssignmentCreate) -> RoleAssignment:
    """Give a role to another user.

    Raises OwnRoles for oneself, MoreRights for a role that holds what the actor lacks, Invalid naming the field, and
    UniqueViolation where the user holds it there already.
    """
    await hold_structure(work)
    user = await queries.get_user(work, user_id=user_id, lock=True)
    if user.id == work.actor.id:
        raise OwnRoles
    return await give_role(work, user, fields)


@verb("identity.role.assign", writes=True, step_up=True)
async def end_assignment(work: Work, *, user_id: UUID, assignment_id: UUID) -> None:
    """Take a role away; it counts no more when this commits. One may give up one's own.

    Raises AssignmentNotFound for one that has ended, MoreRights, LastAdministrator.
    """
    await hold_administrators(work)
    held = await _get_held(work, user_id=user_id, assignment_id=assignment_id)
    if _administers(held) and held.ends_at is None:
        await require_other_administrator(work, but=user_id)
    held.ends_at, held.ended_key = work.now(), held.id
    work.record(RoleRevoked(entity=held))


@verb("identity.role.assign", writes=True, step_up=True)
async def change_end(work: Work, *, user_id: UUID, assignment_id: UUID, fields: AssignmentUpdate) -> RoleAssignment:
    """Set when a role is to end, or that it does not; of one's own only an earlier end.

    Raises AssignmentNotFound for one that has ended, MoreRights, LastAdministrator, OwnRoles.
    """
    await hold_administrators(work)
    held = await _get_held(work, user_id=user_id, assignment_id=assignment_id)
    _check_end(work, fields, at="body")
    enforce(guards.can_change_end(work.actor, user_id, before=held.ends_at, after=fields.ends_at))
    if _administers(held) and held.ends_at is None and fields.ends_at is not None:
        await require_other_administrator(work, but=user_id)
    if held.ends_at != fields.ends_at:
        held.ends_at = fields.ends_at
        work.record(RoleEndSet(entity=held))
        await work.flush()
    return held


# lint: allow verb – a step of verbs that give roles
async def give_role(work: Work, user: User, fields: AssignmentCreate, *, at: str = "body") -> RoleAssignment:
    """Give a role to a user whose row is locked, with the structure held; `at` is where the request names the role."""
    role = await find_role(work, fields.role, field=f"{at}.role")
    enforce(guards.can_hold(work.actor, role.permissions))
    kind, unit_id = await _unit(work, fields, at=at)
    _check_end(work, fields, at=at)
    for over in await queries.list_over(work, user_id=user.id, role_key=role.key, scope_key=unit_id or NOBODY):
        over.ended_key = over.id
    await work.flush()
    held = RoleAssignment(
        id=work.new_id(),
        user_id=user.id,
        role=role.name,
        role_id=role.role_id,
        role_key=role.key,
        company_id=fields.company_id,
        branch_id=fields.branch_id,
        department_id=fields.department_id,
        group_id=fields.group_id,
        scope_kind=kind,
        scope_key=unit_id or NOBODY,
        given_at=work.now(),
        ends_at=fields.ends_at,
        ended_key=NOBODY,
    )
    work.session.add(held)
    work.record(RoleAssigned(entity=held))
    await work.flush()
    return held


# lint: allow verb – asks for the right of the verb above where another one gives roles
async def require_giver(work: Work) -> None:
    """Raise what `assign_role` would raise for who may not give roles, or has not shown lately who they are."""
    declared = verb_of(assign_role)
    assert declared is not None
    declared.admit(work.actor, work.now())


async def _get_held(work: Work, *, user_id: UUID, assignment_id: UUID) -> RoleAssignment:
    """Return a role that a user holds, both rows locked; whoever takes away or changes it holds what it holds."""
    await queries.get_user(work, user_id=user_id, lock=True)
    held = await queries.get_assignment(work, user_id=user_id, assignment_id=assignment_id, lock=True)
    if held.ends_at is not None and held.ends_at <= work.now():
        raise AssignmentNotFound
    role = held.role if held.role_id is None else await queries.get_role(work, role_id=held.role_id, hold=True)
    if user_id != work.actor.id:
        enforce(guards.can_hold(work.actor, permissions_of(work, role)))
    return held


def _administers(held: RoleAssignment) -> bool:
    return held.role_key == guards.ADMIN and held.scope_kind is None


def _check_end(work: Work, fields: AssignmentCreate | AssignmentUpdate, *, at: str) -> None:
    if fields.ends_at is not None and fields.ends_at <= work.now():
        raise Invalid.field(f"{at}.ends_at", "past", "must lie ahead")


async def _unit(work: Work, fields: AssignmentCreate, *, at: str) -> tuple[ScopeKind | None, UUID | None]:
    """Return the one part of the organisation that is named, none for all of it."""
    named = [(kind, getattr(fields, f"{kind}_id")) for kind in UNITS if getattr(fields, f"{kind}_id") is not None]
    if len(named) > 1:
        raise Invalid.field(f"{at}.{named[1][0]}_id", "one_unit", "a role is given in one unit, or in all")
    for kind, unit_id in named:
        await name_unit(work, kind, unit_id, field=f"{at}.{kind}_id")
        return kind, unit_id
    return None, None
