"""Second factors, and sign-ins that wait for one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from holdfast.core.identity.models.sessions import SessionKind
from holdfast.kernel.db import (
    SECRET,
    UNTRACKED,
    Base,
    Bytes,
    Choice,
    TenantOwned,
    UtcDateTime,
    tenant_fk,
    to_one,
)
from holdfast.kernel.keys import Encrypted, Sealed


class Totp(TenantOwned, Base):
    """The authenticator of a user (RFC 6238); the id is the user's. Not asked for before it was confirmed once."""

    __tablename__ = "user_totp"

    secret: Mapped[Sealed] = mapped_column(Encrypted(255), info=SECRET)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The time step whose code was used last: that one and every earlier one is refused.
    last_step: Mapped[int] = mapped_column(default=0, info=UNTRACKED)


class RecoveryCode(TenantOwned, Base):
    """A code that stands in for the authenticator, once."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID] = tenant_fk("user_account")
    code_hash: Mapped[bytes] = mapped_column(Bytes(32), info=SECRET)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user = to_one("RecoveryCode", "user_id", "User")


class Challenge(TenantOwned, Base):
    """A sign-in whose password was right and that waits for the second factor."""

    __tablename__ = "sign_in_challenge"
    # Every step of it leaves an entry of its own; the row is only its mechanism.
    __audited__ = False

    user_id: Mapped[UUID] = tenant_fk("user_account")
    secret_hash: Mapped[bytes] = mapped_column(Bytes(32))
    kind: Mapped[SessionKind] = mapped_column(Choice(SessionKind))
    # The `changed_at` of the password that was verified: another one since ends the sign-in.
    password_changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The secret of an authenticator that is made known in the course of this sign-in.
    enrolment: Mapped[Sealed | None] = mapped_column(Encrypted(255))
    failures: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user = to_one("Challenge", "user_id", "User")
