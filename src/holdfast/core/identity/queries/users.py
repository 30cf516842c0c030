"""Statements on users, their passwords and their roles."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import func, or_, select

from holdfast.core.identity.errors import UserNotFound
from holdfast.core.identity.models import Password, Role, RoleAssignment, User, UserStatus
from holdfast.core.identity.schemas import UserOut
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.work import Work


class UserList(ListParameters):
    """Filters of the list of users; `q` searches name, address and user name."""

    status: UserStatus | None = None
    email: Annotated[str, Field(max_length=254), AfterValidator(folded)] | None = None


USERS = HotList(
    "identity.users",
    User,
    columns={name: getattr(User, name) for name in UserOut.model_fields if name != "roles"},
    sorts={"email": User.email_key, "name": User.name_key, "created_at": User.created_at},
    default_sort="email",
    filters={"status": lambda value: User.status == value, "email": lambda value: User.email_key == value},
    search=(User.name_key, User.email_key, User.username_key),
    where=(User.deleted_key == NOBODY,),
)


async def find_user_by_name(work: Work, *, name_key: str, lock: bool = False) -> User | None:
    """Return the living user with this address or user name."""
    statement = select(User).where(
        (User.email_key == name_key) | (User.username_key == name_key), User.deleted_key == NOBODY
    )
    found: User | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def find_user(work: Work, *, user_id: UUID, lock: bool = False) -> User | None:
    """Return a living user."""
    statement = select(User).where(User.id == user_id, User.deleted_key == NOBODY)
    found: User | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_user(work: Work, *, user_id: UUID, lock: bool = False) -> User:
    """Return a living user; raise UserNotFound."""
    found = await find_user(work, user_id=user_id, lock=lock)
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


async def count_users(work: Work) -> int:
    """Return how many users the organisation has, deleted ones too."""
    return (await work.session.scalar(select(func.count()).select_from(User))) or 0


async def list_own_roles(work: Work) -> Sequence[Role]:
    """Return the organisation's own roles, deleted ones too."""
    return (await work.session.scalars(select(Role).order_by(Role.id))).all()
