"""What signing in asks of the database, in one statement a step: the door is the busiest page there is."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select

from holdfast.core.directory.public import has_access
from holdfast.core.identity.models import Password, Session, SessionKind, SignInPolicy, Totp, User, UserStatus
from holdfast.kernel.db import NOBODY, Json, UtcDateTime
from holdfast.kernel.lists import Lookup
from holdfast.kernel.tenancy import Tenant
from holdfast.kernel.work import Work

_user, _password, _totp, _policy = (model.__table__ for model in (User, Password, Totp, SignInPolicy))


class Entrant(NamedTuple):
    """Who may be meant by a name: the stored hash, and whether a program of this kind was here before."""

    user_id: UUID
    hash: str | None
    changed_at: datetime | None
    known: bool


class Standing(NamedTuple):
    """A user who wants in, and what holds for them."""

    id: UUID
    email: str | None
    username: str | None
    name: str
    locale: str | None
    active: bool
    organization_open: bool
    employed: bool
    password_changed_at: datetime | None
    failures: int | None
    totp_confirmed_at: datetime | None
    mfa_roles: Json
    session_idle_minutes: int | None
    session_absolute_hours: int | None
    refresh_idle_days: int | None
    refresh_absolute_days: int | None


class Locked(NamedTuple):
    """A user whom nobody else changes until this transaction ends."""

    id: UUID


def _with_password() -> Any:
    return _user.outerjoin(_password, and_(_password.c.tenant_id == _user.c.tenant_id, _password.c.id == _user.c.id))


_NAME = bindparam("name_key", type_=User.email_key.type)
_ENTRANT = Lookup(
    Entrant,
    _with_password(),
    columns={
        "user_id": User.id,
        "hash": Password.hash,
        "changed_at": Password.changed_at,
        "known": select(Session.id)
        .where(
            Session.user_id == User.id,
            Session.kind == SessionKind.TOKEN,
            Session.ip == bindparam("ip", type_=Session.ip.type),
            Session.user_agent == bindparam("user_agent", type_=Session.user_agent.type),
        )
        .exists(),
    },
    where=(or_(User.email_key == _NAME, User.username_key == _NAME), User.deleted_key == NOBODY),
)

_USER = User.id == bindparam("user_id", type_=User.id.type)
_STANDING = Lookup(
    Standing,
    _with_password()
    .join(Tenant.__table__, Tenant.id == _user.c.tenant_id)
    .outerjoin(_totp, and_(_totp.c.tenant_id == _user.c.tenant_id, _totp.c.id == _user.c.id))
    .outerjoin(_policy, and_(_policy.c.tenant_id == _user.c.tenant_id, _policy.c.id == _user.c.tenant_id)),
    columns={
        **{name: getattr(User, name) for name in Standing._fields[:5]},
        "active": User.status == UserStatus.ACTIVE,
        "organization_open": Tenant.status == "active",
        "employed": or_(User.person_id.is_(None), User.person.has(has_access(bindparam("now", type_=UtcDateTime())))),
        "password_changed_at": Password.changed_at,
        "failures": Password.failures,
        "totp_confirmed_at": Totp.confirmed_at,
        **{name: getattr(SignInPolicy, name) for name in Standing._fields[11:]},
    },
    where=(_USER, User.deleted_key == NOBODY),
)
_LOCKED = Lookup(Locked, _user, columns={"id": User.id}, where=(_USER,), lock=True)


async def find_entrant(work: Work, *, name_key: str, ip: str | None, user_agent: str | None) -> Entrant | None:
    """Return the living user with this address or user name."""
    return await _ENTRANT.find(work, name_key=name_key, ip=ip, user_agent=user_agent)


async def lock_user(work: Work, *, user_id: UUID) -> None:
    """Wait until nobody changes a user, and let nobody before this transaction ends."""
    await _LOCKED.find(work, user_id=user_id)


async def find_standing(work: Work, *, user_id: UUID) -> Standing | None:
    """Return a living user and what holds for them now."""
    return await _STANDING.find(work, user_id=user_id, now=work.now())
