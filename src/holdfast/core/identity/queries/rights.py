"""Statements on roles of an organisation's own, and on who holds which role."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, or_, select, update

from holdfast.core.directory.public import staying
from holdfast.core.identity.errors import AssignmentNotFound, RoleNotFound
from holdfast.core.identity.models import Role, RoleAssignment, ScopeKind, User, UserKind, UserStatus
from holdfast.core.identity.schemas import AssignmentOut
from holdfast.kernel.db import NOBODY, Json
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Inward, Moment
from holdfast.kernel.work import Work


class RoleList(Inward):
    """Which roles to list; they are few, so there are no pages."""

    deleted: Annotated[bool, Field(description="`true`: what is in the trash, instead of what is not.")] = False


class AssignmentList(ListParameters):
    """How a list of a user's roles is paged; the latest comes first."""

    ended: Annotated[bool, Field(description="`true`: those that have ended too.")] = False


class AssignmentsOf(ListParameters):
    """Whose roles, and when they have to be held."""

    user_id: UUID
    held_at: Moment | None = None


ASSIGNMENTS = HotList(
    "identity.assignments",
    RoleAssignment,
    columns={name: getattr(RoleAssignment, name) for name in AssignmentOut.model_fields},
    sorts={"given_at": RoleAssignment.given_at, "role": RoleAssignment.role},
    default_sort="-given_at",
    filters={
        "user_id": lambda value: RoleAssignment.user_id == value,
        "held_at": lambda value: or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > value),
    },
)


async def get_role(work: Work, *, role_id: UUID, lock: bool = False, hold: bool = False, deleted: bool = False) -> Role:
    """Return a role of the organisation's own, with `deleted` also one in the trash; raise RoleNotFound.

    `lock` is for who changes it, `hold` for who gives it, so that nobody changes it meanwhile.
    """
    statement = select(Role).where(Role.id == role_id)
    if not deleted:
        statement = statement.where(Role.deleted_key == NOBODY)
    if lock or hold:
        statement = statement.with_for_update(read=hold)
    found: Role | None = await work.session.scalar(statement)
    if found is None:
        raise RoleNotFound
    return found


async def find_role_called(work: Work, *, name_key: str, hold: bool = False) -> Role | None:
    """Return the organisation's own living role of this name."""
    statement = select(Role).where(Role.name_key == name_key, Role.deleted_key == NOBODY)
    found: Role | None = await work.session.scalar(statement.with_for_update(read=True) if hold else statement)
    return found


async def list_own_roles(work: Work, *, deleted: bool = False) -> Sequence[Role]:
    """Return the organisation's own roles by name, those in the trash or the others."""
    where = (Role.deleted_key != NOBODY) if deleted else (Role.deleted_key == NOBODY)
    return (await work.session.scalars(select(Role).where(where).order_by(Role.name_key, Role.id))).all()


async def list_roles_by_id(work: Work, *, role_ids: Sequence[UUID]) -> Sequence[Role]:
    """Return the organisation's own roles among the ids."""
    return (await work.session.scalars(select(Role).where(Role.id.in_(role_ids)))).all()


async def count_holders(work: Work, *, role_id: UUID) -> int:
    """Return how many users hold a role, those in the trash too, since they come back with it."""
    statement = select(func.count(RoleAssignment.user_id.distinct())).where(
        RoleAssignment.role_id == role_id,
        or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > work.now()),
    )
    return (await work.session.scalar(statement)) or 0


async def rename_given(work: Work, *, role_id: UUID, name: str) -> None:
    """Let a role be called by its new name where it was given, also where it has ended.

    The structure must be held alone. What follows from the role's own entry leaves none of its own.
    """
    given = update(RoleAssignment.__table__).where(  # type: ignore[arg-type]
        RoleAssignment.tenant_id == work.tenant_id, RoleAssignment.role_id == role_id
    )
    await (await work.session.connection()).execute(given.values(role=name))


async def get_assignment(work: Work, *, user_id: UUID, assignment_id: UUID, lock: bool = False) -> RoleAssignment:
    """Return a role of a user, held or not any more; raise AssignmentNotFound."""
    statement = select(RoleAssignment).where(RoleAssignment.id == assignment_id, RoleAssignment.user_id == user_id)
    found: RoleAssignment | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise AssignmentNotFound
    return found


async def list_over(work: Work, *, user_id: UUID, role_key: str, scope_key: UUID) -> Sequence[RoleAssignment]:
    """Return what stands in the place of a role that is to be given although its planned end has passed."""
    statement = select(RoleAssignment).where(
        RoleAssignment.user_id == user_id,
        RoleAssignment.role_key == role_key,
        RoleAssignment.scope_key == scope_key,
        RoleAssignment.ended_key == NOBODY,
        RoleAssignment.ends_at <= work.now(),
    )
    return (await work.session.scalars(statement.with_for_update())).all()


async def list_administrators(work: Work, *, role: str) -> dict[UUID, UUID | None]:
    """Return the active people who hold a built-in role in the whole organisation without an end, each with the person.

    The account of an employee who is to leave, or is in the trash, has an end whatever that of the role.
    """
    statement = (
        select(User.id, User.person_id)
        .join(RoleAssignment, (RoleAssignment.tenant_id == User.tenant_id) & (RoleAssignment.user_id == User.id))
        .where(
            RoleAssignment.role_key == role,
            RoleAssignment.scope_kind.is_(None),
            RoleAssignment.ends_at.is_(None),
            User.status == UserStatus.ACTIVE,
            User.kind == UserKind.PERSON,
            User.deleted_key == NOBODY,
            or_(User.person_id.is_(None), User.person.has(staying())),
        )
        .order_by(User.id)
    )
    return {row.id: row.person_id for row in await work.session.execute(statement)}


async def list_grants(work: Work, *, user_id: UUID) -> Sequence[tuple[str, Json, ScopeKind | None, UUID | None]]:
    """Return the roles that a user holds now: name, permissions of one's own, kind and id of the unit."""
    statement = (
        select(RoleAssignment.role, Role.permissions, RoleAssignment.scope_kind, RoleAssignment.scope_key)
        .outerjoin(Role, (Role.tenant_id == RoleAssignment.tenant_id) & (Role.id == RoleAssignment.role_id))
        .where(
            RoleAssignment.user_id == user_id,
            or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > work.now()),
        )
    )
    return (await work.session.execute(statement)).all()
