"""One-time links."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Bytes, Choice, Str, TenantOwned, UtcDateTime, tenant_fk, to_one


class Purpose(enum.StrEnum):
    """What a one-time link is for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_CHANGE = "email_change"


class UserToken(TenantOwned, Base):
    """A one-time link of a user; the newest of a purpose is the only good one."""

    __tablename__ = "user_token"
    # What is done with it leaves the entries.
    __audited__ = False

    user_id: Mapped[UUID] = tenant_fk("user_account")
    purpose: Mapped[Purpose] = mapped_column(Choice(Purpose))
    secret_hash: Mapped[bytes] = mapped_column(Bytes(32))
    # The address to come, of an e-mail change.
    email: Mapped[str | None] = mapped_column(Str(254))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user = to_one("UserToken", "user_id", "User")
