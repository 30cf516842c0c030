"""Every statement on identity's tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import CursorResult, func, select, update

from holdfast.core.identity.errors import UserNotFound
from holdfast.core.identity.models import (
    Password,
    RefreshToken,
    RoleAssignment,
    Session,
    SetupLink,
    SignInName,
    User,
    UserStatus,
)
from holdfast.core.identity.schemas import SessionOut, UserOut
from holdfast.kernel.db import NOBODY, driver_value, folded
from holdfast.kernel.engines import Link
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Moment
from holdfast.kernel.tenancy import Tenant
from holdfast.kernel.work import Work

# The query that opens the door. On PostgreSQL it is a function (first migration) that also binds the transaction to the
# tenant; here it is run on the driver, in its placeholders: tenant, session, now (twice on MySQL).
_CREDENTIAL = """
SELECT s.secret_hash, s.kind, u.id, u.email, u.username, u.name, t.slug, o.name,
       (SELECT group_concat(r.role) FROM role_assignment r WHERE r.tenant_id = s.tenant_id AND r.user_id = s.user_id)
FROM session s
JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
JOIN tenant t ON t.id = s.tenant_id
JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
WHERE s.tenant_id = ? AND s.id = ? AND s.revoked_at IS NULL
  AND s.expires_at > ? AND s.idle_expires_at > ?
  AND u.status = 'active' AND u.deleted_at IS NULL AND t.status = 'active'
"""
_CREDENTIAL_BY_DIALECT = {
    "sqlite": _CREDENTIAL,
    "mysql": _CREDENTIAL.replace("?", "%s"),
    "postgresql": "SELECT * FROM holdfast_authenticate($1, $2, $3)",
}


async def find_credential(link: Link, *, tenant_id: UUID, session_id: UUID, now: datetime) -> Sequence[Any] | None:
    """Return the row of a good session with its user and organisation, None where any of the three may not be used.

    Columns: secret_hash, kind, user id, e-mail, user name, name, slug, organisation, roles (comma separated).
    """
    values = [tenant_id, session_id, now] if link.dialect == "postgresql" else [tenant_id, session_id, now, now]
    values = [driver_value(link.dialect, value) for value in values]
    rows = await link.fetch(_CREDENTIAL_BY_DIALECT[link.dialect], values)
    return rows[0] if rows else None


async def list_tenants_by_name(work: Work, *, name_hashes: Sequence[bytes], slug: str | None) -> Sequence[UUID]:
    """Return the active tenants in which a sign-in name is known, at most two; `slug` narrows to one organisation."""
    statement = (
        select(Tenant.id)
        .join(SignInName, SignInName.tenant_id == Tenant.id)
        .where(SignInName.name_hash.in_(name_hashes), Tenant.status == "active")
        .limit(2)
    )
    if slug is not None:
        statement = statement.where(Tenant.slug == slug)
    return (await work.session.scalars(statement)).unique().all()


async def is_tenant_active(work: Work) -> bool:
    """Tell whether this organisation may be entered."""
    status = await work.session.scalar(select(Tenant.status).where(Tenant.id == work.tenant_id))
    return status == "active"


async def find_tenant(work: Work, *, slug: str) -> Tenant | None:
    """Return the tenant with this slug."""
    found: Tenant | None = await work.session.scalar(select(Tenant).where(Tenant.slug == slug))
    return found


async def get_tenant(work: Work) -> Tenant:
    """Return this organisation's own row."""
    found: Tenant = (await work.session.scalars(select(Tenant).where(Tenant.id == work.tenant_id))).one()
    return found


async def count_tenants(work: Work) -> int:
    """Return how many tenants the installation has."""
    return (await work.session.scalar(select(func.count()).select_from(Tenant))) or 0


class UserList(ListParameters):
    """Filters of the list of users; `q` searches address and user name."""

    status: UserStatus | None = None
    email: Annotated[str, Field(max_length=254), AfterValidator(folded)] | None = None


USERS = HotList(
    "identity.users",
    User,
    columns={name: getattr(User, name) for name in UserOut.model_fields if name != "roles"},
    sorts={"email": User.email_key, "created_at": User.created_at},
    default_sort="email",
    filters={"status": lambda value: User.status == value, "email": lambda value: User.email_key == value},
    search=(User.email_key, User.username_key),
    where=(User.deleted_key == NOBODY,),
)


async def find_user_by_name(work: Work, *, name_key: str, lock: bool = False) -> User | None:
    """Return the living user with this address or user name."""
    statement = select(User).where(
        (User.email_key == name_key) | (User.username_key == name_key), User.deleted_key == NOBODY
    )
    found: User | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_user(work: Work, *, user_id: UUID, lock: bool = False) -> User:
    """Return a living user; raise UserNotFound."""
    statement = select(User).where(User.id == user_id, User.deleted_key == NOBODY)
    found = await work.session.scalar(statement.with_for_update() if lock else statement)
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
    statement = (
        select(User.id, User.name, User.email)
        .where(
            User.email_key.contains(key, autoescape=True)
            | User.username_key.contains(key, autoescape=True)
            | func.lower(User.name).contains(text.lower(), autoescape=True)
            # What the database's own `lower` leaves alone: SQLite's knows ASCII only.
            | User.name.contains(text, autoescape=True)
        )
        .order_by(User.name, User.id)
        .limit(limit)
    )
    return [(row.id, row.name, row.email) for row in await work.session.execute(statement)]


async def list_users_by_id(work: Work, *, user_ids: Sequence[UUID]) -> Sequence[tuple[UUID, str, str]]:
    """Return id, name and address of the users, deleted ones too."""
    rows = await work.session.execute(select(User.id, User.name, User.email).where(User.id.in_(user_ids)))
    return [(row.id, row.name, row.email) for row in rows]


async def find_password(work: Work, *, user_id: UUID, lock: bool = False) -> Password | None:
    """Return the password row of a user."""
    statement = select(Password).where(Password.id == user_id)
    found: Password | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_roles(work: Work, *, user_ids: Sequence[UUID]) -> Sequence[RoleAssignment]:
    """Return the role assignments of the users, in one query."""
    statement = select(RoleAssignment).where(RoleAssignment.user_id.in_(user_ids)).order_by(RoleAssignment.role)
    return (await work.session.scalars(statement)).all()


async def find_session(work: Work, *, session_id: UUID, lock: bool = False) -> Session | None:
    """Return a session row, whatever its state."""
    statement = select(Session).where(Session.id == session_id)
    found: Session | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


class SessionList(ListParameters):
    """How a list of sessions is paged; the latest sign-in comes first."""


class SessionsOf(SessionList):
    """Whose sessions, and when they have to be alive."""

    user_id: UUID
    alive_at: Moment


SESSIONS = HotList(
    "identity.sessions",
    Session,
    columns={name: getattr(Session, name) for name in SessionOut.model_fields if name != "current"},
    sorts={"signed_in_at": Session.signed_in_at, "last_seen_at": Session.last_seen_at},
    default_sort="-signed_in_at",
    filters={
        "user_id": lambda value: Session.user_id == value,
        "alive_at": lambda value: (Session.expires_at > value) & (Session.idle_expires_at > value),
    },
    where=(Session.revoked_at.is_(None),),
)


async def list_live_sessions(work: Work, *, user_id: UUID, lock: bool = False) -> Sequence[Session]:
    """Return the sessions of a user that are neither ended nor over, oldest first."""
    statement = (
        select(Session)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > work.now())
        .order_by(Session.id)
    )
    return (await work.session.scalars(statement.with_for_update() if lock else statement)).all()


async def find_refresh_token(work: Work, *, token_id: UUID) -> RefreshToken | None:
    """Return a refresh token's row, read anew."""
    statement = select(RefreshToken).where(RefreshToken.id == token_id).execution_options(populate_existing=True)
    found: RefreshToken | None = await work.session.scalar(statement)
    return found


async def use_refresh_token(
    work: Work, *, token_id: UUID, secret_hash: bytes, successor_id: UUID, now: datetime
) -> bool:
    """Mark a refresh token as used if nobody did before: compare-and-set, so that one of many wins."""
    statement = (
        update(RefreshToken)
        .where(
            RefreshToken.id == token_id,
            RefreshToken.secret_hash == secret_hash,
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > now,
        )
        .values(used_at=now, successor_id=successor_id)
    )
    result = await work.session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1


async def touch_session(work: Work, *, session_id: UUID, seen: datetime, idle_expires: datetime) -> None:
    """Note that a session was used; only its untracked columns change."""
    session = await find_session(work, session_id=session_id, lock=True)
    if session is not None and session.revoked_at is None and session.last_seen_at < seen:
        session.last_seen_at = seen
        session.idle_expires_at = min(idle_expires, session.expires_at)


async def find_setup_link(work: Work, *, secret_hash: bytes, lock: bool = False) -> SetupLink | None:
    """Return the set-up link with this secret."""
    statement = select(SetupLink).where(SetupLink.secret_hash == secret_hash)
    found: SetupLink | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_setup_links(work: Work, *, lock: bool = False) -> Sequence[SetupLink]:
    """Return every set-up link."""
    statement = select(SetupLink)
    return (await work.session.scalars(statement.with_for_update() if lock else statement)).all()


async def count_users(work: Work) -> int:
    """Return how many users the organisation has, deleted ones too."""
    return (await work.session.scalar(select(func.count()).select_from(User))) or 0


async def list_demo_slugs(work: Work) -> Sequence[str]:
    """Return the slugs of the organisations that hold demo accounts."""
    return (await work.session.scalars(select(Tenant.slug).where(Tenant.demo).order_by(Tenant.slug))).all()
