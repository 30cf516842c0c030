"""Tables of identity. The session row is the root of every credential: no row, no access."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import (
    SECRET,
    UNTRACKED,
    Base,
    Bytes,
    Choice,
    InstallationOwned,
    Str,
    TenantOwned,
    Tracked,
    Trashable,
    UtcDateTime,
    folded,
    tenant_fk,
    to_one,
)


class UserStatus(enum.StrEnum):
    """Whether a user may sign in; `locked` is set by an administrator or after 100 failures in a row."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOCKED = "locked"


class SessionKind(enum.StrEnum):
    """How the session is carried: a browser's cookie, or tokens of a program."""

    COOKIE = "cookie"
    TOKEN = "token"  # noqa: S105


class User(Tracked, Trashable, Base):
    """A sign-in account. It belongs to one organisation; its address is unique inside it."""

    __tablename__ = "user_account"
    __parameter__ = "user_id"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "email_key", "deleted_key", name="uq_user_account_email", info={"field": "email"}
        ),
        UniqueConstraint(
            "tenant_id", "username_key", "deleted_key", name="uq_user_account_username", info={"field": "username"}
        ),
    )

    email: Mapped[str] = mapped_column(Str(254))
    email_key: Mapped[str] = mapped_column(Str(254), info={"audit": "omit"})
    username: Mapped[str | None] = mapped_column(Str(64))
    username_key: Mapped[str | None] = mapped_column(Str(64), info={"audit": "omit"})
    name: Mapped[str] = mapped_column(Str(200))
    status: Mapped[UserStatus] = mapped_column(Choice(UserStatus), default=UserStatus.ACTIVE)
    status_reason: Mapped[str | None] = mapped_column(Str(500))
    demo: Mapped[bool] = mapped_column(default=False)

    @validates("email", "username")
    def _fold(self, field: str, value: str | None) -> str | None:
        setattr(self, f"{field}_key", None if value is None else folded(value))
        return value


class Password(TenantOwned, Base):
    """The password of a user: the id is the user's. Apart, so that no list or entry can meet the hash."""

    __tablename__ = "user_password"

    hash: Mapped[str] = mapped_column(Str(255), info=SECRET)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0, info=UNTRACKED)


class RoleAssignment(TenantOwned, Base):
    """A role that a user holds."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "role", name="uq_role_assignment_role", info={"field": "role"}),
    )

    user_id: Mapped[UUID] = tenant_fk("user_account")
    role: Mapped[str] = mapped_column(Str(63))

    user = to_one("RoleAssignment", "user_id", "User")


class Session(TenantOwned, Base):
    """A signed-in presence: the row that cookie, access and refresh tokens point at."""

    __tablename__ = "session"

    user_id: Mapped[UUID] = tenant_fk("user_account")
    kind: Mapped[SessionKind] = mapped_column(Choice(SessionKind))
    secret_hash: Mapped[bytes] = mapped_column(Bytes(32), info=SECRET)
    signed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, info=UNTRACKED)
    idle_expires_at: Mapped[datetime] = mapped_column(UtcDateTime, info=UNTRACKED)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str | None] = mapped_column(Str(63))
    ip: Mapped[str | None] = mapped_column(Str(45))
    user_agent: Mapped[str | None] = mapped_column(Str(300))

    user = to_one("Session", "user_id", "User")


class RefreshToken(TenantOwned, Base):
    """One link in a session's chain of refresh tokens; used once, by compare-and-set."""

    __tablename__ = "refresh_token"
    # Its rotation is recorded on the session; a row here is only the mechanism of it.
    __audited__ = False

    session_id: Mapped[UUID] = tenant_fk("session")
    secret_hash: Mapped[bytes] = mapped_column(Bytes(32))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    successor_id: Mapped[UUID | None] = mapped_column(Uuid)

    session = to_one("RefreshToken", "session_id", "Session")


class SignInName(InstallationOwned, Base):
    """In which organisations an address or user name is known: keyed hashes only."""

    __tablename__ = "sign_in_name"

    name_hash: Mapped[bytes] = mapped_column(Bytes(32), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class SetupLink(InstallationOwned, Base):
    """The one-time link that makes the first administrator of an empty installation."""

    __tablename__ = "setup_link"

    secret_hash: Mapped[bytes] = mapped_column(Bytes(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
