"""Sessions, and the refresh tokens that prolong them."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import (
    SECRET,
    UNTRACKED,
    Base,
    Bytes,
    CanonicalJson,
    Choice,
    Json,
    Str,
    TenantOwned,
    UtcDateTime,
    tenant_fk,
    to_one,
)


class SessionKind(enum.StrEnum):
    """How the session is carried: a browser's cookie, tokens of a program, or a key that a person made for one."""

    COOKIE = "cookie"
    TOKEN = "token"  # noqa: S105
    API_KEY = "api_key"


class Session(TenantOwned, Base):
    """A signed-in presence: the row that cookie, access and refresh tokens and API keys point at.

    An impersonation has the user it shows as `user_id` and the session of who does it as `parent_id`; a break-glass
    session has no user here, and its operator's session, in the operators' organisation, as `parent_id`.
    """

    __tablename__ = "session"

    user_id: Mapped[UUID | None] = tenant_fk("user_account", nullable=True)
    kind: Mapped[SessionKind] = mapped_column(Choice(SessionKind))
    secret_hash: Mapped[bytes] = mapped_column(Bytes(32), info=SECRET)
    signed_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When the password or a second factor was last shown, and whether it was the second one: what a step-up asks.
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    second_factor: Mapped[bool] = mapped_column(default=False)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, info=UNTRACKED)
    idle_expires_at: Mapped[datetime] = mapped_column(UtcDateTime, info=UNTRACKED)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str | None] = mapped_column(Str(63))
    ip: Mapped[str | None] = mapped_column(Str(45))
    user_agent: Mapped[str | None] = mapped_column(Str(300))
    impersonator_id: Mapped[UUID | None] = mapped_column(Uuid)
    operator_id: Mapped[UUID | None] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(Str(500))
    # Of an API key: what it is called, the permissions it is limited to, the networks it may come from.
    label: Mapped[str | None] = mapped_column(Str(120))
    scopes: Mapped[Json] = mapped_column(CanonicalJson, nullable=True)
    networks: Mapped[Json] = mapped_column(CanonicalJson, nullable=True)
    replaces_id: Mapped[UUID | None] = mapped_column(Uuid)

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
