"""Statements on users, their passwords and their roles."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import ColumnElement, func, or_, select

from holdfast.core.identity.errors import UserNotFound
from holdfast.core.identity.models import Password, Role, RoleAssignment, User, UserKind, UserStatus
from holdfast.core.identity.schemas import UserOut
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.work import Work

IN_CHUNK = 500


class Recipient(NamedTuple):
    """A user as what tells them needs them; one who is not `reached` is told nothing of their own."""

    id: UUID
    name: str
    email: str | None
    locale: str | None
    time_zone: str | None
    reached: bool


class UserList(ListParameters):
    """Filters of the list of users; `q` searches name, address and user name."""

    status: UserStatus | None = None
    kind: UserKind | None = None
    email: Annotated[str, Field(max_length=254), AfterValidator(folded)] | None = None
    person_id: UUID | None = None
    role: Annotated[str | None, Field(max_length=63, description="Name of a role, or the id of one's own.")] = None
    deleted: Annotated[bool, Field(description="`true`: what is in the trash, instead of what is not.")] = False


class UsersHolding(UserList):
    """The same, the role as its key and the moment at which it has to be held."""

    role: tuple[str, datetime] | None = None  # type: ignore[assignment]


def _holds(role: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Return the condition that a user holds a role at a moment, wherever."""
    key, moment = role
    held = select(RoleAssignment.user_id).where(
        RoleAssignment.role_key == key, or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > moment)
    )
    return User.id.in_(held)


USERS = HotList(
    "identity.users",
    User,
    columns={name: getattr(User, name) for name in UserOut.model_fields if name != "roles"},
    sorts={"email": User.email_key, "name": User.name_key, "created_at": User.created_at},
    default_sort="email",
    filters={
        "status": lambda value: User.status == value,
        "kind": lambda value: User.kind == value,
        "email": lambda value: User.email_key == value,
        "person_id": lambda value: User.person_id == value,
        "role": _holds,
        "deleted": lambda value: (User.deleted_key != NOBODY) if value else (User.deleted_key == NOBODY),
    },
    search=(User.name_key, User.email_key, User.username_key),
)


async def find_user_by_name(work: Work, *, name_key: str, lock: bool = False) -> User | None:
    """Return the living user with this address or user name."""
    statement = select(User).where(
        (User.email_key == name_key) | (User.username_key == name_key), User.deleted_key == NOBODY
    )
    found: User | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def find_user(work: Work, *, user_id: UUID, lock: bool = False, deleted: bool = False) -> User | None:
    """Return a living user, with `deleted` also one in the trash."""
    statement = select(User).where(User.id == user_id)
    if not deleted:
        statement = statement.where(User.deleted_key == NOBODY)
    found: User | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_user(work: Work, *, user_id: UUID, lock: bool = False, deleted: bool = False) -> User:
    """Return a living user, with `deleted` also one in the trash; raise UserNotFound."""
    found = await find_user(work, user_id=user_id, lock=lock, deleted=deleted)
    if found is None:
        raise UserNotFound
    return found


async def list_user_names(work: Work, *, user_ids: Sequence[UUID]) -> Sequence[tuple[UUID, str]]:
    """Return id and name of the users, deleted ones too."""
    rows = await work.session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return [(row.id, row.name) for row in rows]


async def list_users_called(work: Work, *, text: str, limit: int) -> Sequence[tuple[UUID, str, str]]:
    """Return id, name and address of the users whose name or address holds a text, deleted ones too, by name."""
    key = folded(text)
    columns = (User.name_key, User.email_key, User.username_key)
    statement = (
        select(User.id, User.name, User.email)
        .where(or_(*(column.contains(key, autoescape=True) for column in columns)))
        .order_by(User.name, User.id)
        .limit(limit)
    )
    return [(row.id, row.name, row.email or "") for row in await work.session.execute(statement)]


async def list_users_by_id(work: Work, *, user_ids: Sequence[UUID]) -> Sequence[tuple[UUID, str, str]]:
    """Return id, name and address of the users, deleted ones too."""
    rows = await work.session.execute(select(User.id, User.name, User.email).where(User.id.in_(user_ids)))
    return [(row.id, row.name, row.email or "") for row in rows]


async def find_password(work: Work, *, user_id: UUID, lock: bool = False) -> Password | None:
    """Return the password row of a user."""
    statement = select(Password).where(Password.id == user_id)
    found: Password | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_roles(work: Work, *, user_ids: Sequence[UUID]) -> Sequence[RoleAssignment]:
    """Return the role assignments of the users that have not ended, in one query."""
    statement = (
        select(RoleAssignment)
        .where(
            RoleAssignment.user_id.in_(user_ids),
            or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > work.now()),
        )
        .order_by(RoleAssignment.role, RoleAssignment.id)
    )
    return (await work.session.scalars(statement)).all()


async def list_role_names(work: Work, *, user_id: UUID) -> set[str]:
    """Return the names of the roles that a user holds now, everywhere or within a unit, as they are called now."""
    statement = (
        select(RoleAssignment.role, Role.name)
        .outerjoin(Role, (Role.tenant_id == RoleAssignment.tenant_id) & (Role.id == RoleAssignment.role_id))
        .where(
            RoleAssignment.user_id == user_id,
            or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > work.now()),
        )
    )
    return {own or given for given, own in await work.session.execute(statement)}


async def list_taken_names(work: Work, *, email_keys: Collection[str], username_keys: Collection[str]) -> set[str]:
    """Return which of the folded addresses and user names a living user has."""
    found: set[str] = set()
    for column, keys in ((User.email_key, email_keys), (User.username_key, username_keys)):
        wanted = sorted(keys)
        for start in range(0, len(wanted), IN_CHUNK):
            statement = select(column).where(column.in_(wanted[start : start + IN_CHUNK]), User.deleted_key == NOBODY)
            found.update(str(key) for key in await work.session.scalars(statement))
            await asyncio.sleep(0)  # SQLite answers on the event loop: others get their turn between the chunks
    return found


async def count_users(work: Work) -> int:
    """Return how many users the organisation has, deleted ones too."""
    return (await work.session.scalar(select(func.count()).select_from(User))) or 0


async def list_recipients(work: Work, *, user_ids: Collection[UUID]) -> dict[UUID, Recipient]:
    """Return users by their ids, deleted ones too; reached are people who are neither deleted nor suspended."""
    columns = (User.id, User.name, User.email, User.locale, User.time_zone, User.kind, User.status, User.deleted_key)
    wanted, found = sorted(user_ids), dict[UUID, Recipient]()
    for start in range(0, len(wanted), IN_CHUNK):
        rows = await work.session.execute(select(*columns).where(User.id.in_(wanted[start : start + IN_CHUNK])))
        for row in rows:
            alive = row.deleted_key == NOBODY and row.status is not UserStatus.SUSPENDED
            found[row.id] = Recipient(*row[:5], reached=alive and row.kind is UserKind.PERSON)
    return found
