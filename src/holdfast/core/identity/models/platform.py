"""An organisation's rules for signing in, its applications, and the operators' emergency access."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, CanonicalJson, Json, Str, TenantOwned, Tracked, UtcDateTime, tenant_fk, to_one


class SignInPolicy(Tracked, Base):
    """How an organisation's users sign in; the id is the tenant's. None stands for the installation's setting."""

    __tablename__ = "sign_in_policy"

    password_min_length: Mapped[int | None]
    password_min_length_with_mfa: Mapped[int | None]
    # Names of roles whose holders need a second factor.
    mfa_roles: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)
    session_idle_minutes: Mapped[int | None]
    session_absolute_hours: Mapped[int | None]
    refresh_idle_days: Mapped[int | None]
    refresh_absolute_days: Mapped[int | None]
    # Networks (CIDR) from which alone anyone may come; None for any.
    networks: Mapped[Json] = mapped_column(CanonicalJson, nullable=True)


class ApplicationChoice(Tracked, Base):
    """Which of the installed applications an organisation has switched off; the id is the tenant's."""

    __tablename__ = "application_choice"

    switched_off: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)


class BreakGlass(TenantOwned, Base):
    """An operator's emergency access to one organisation: a row of the operators' own, which ends it everywhere."""

    __tablename__ = "break_glass"

    operator_id: Mapped[UUID] = tenant_fk("user_account")
    # Rows of another tenant and of this one: addresses, no keys.
    target_id: Mapped[UUID] = mapped_column(Uuid)
    target_slug: Mapped[str] = mapped_column(Str(63))
    operator_session_id: Mapped[UUID] = mapped_column(Uuid)
    session_id: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str] = mapped_column(Str(500))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    operator = to_one("BreakGlass", "operator_id", "User")
