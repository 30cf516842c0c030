"""One-time links, and the messages that wait to be sent."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Bytes, Choice, Str, TenantOwned, UtcDateTime, tenant_fk, to_one
from holdfast.kernel.keys import Encrypted, Sealed


class Purpose(enum.StrEnum):
    """What a one-time link is for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_CHANGE = "email_change"


class NoticeState(enum.StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENDING = "sending"  # somebody has it in hand, or died with it
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # it may have gone out: nothing sends it again by itself


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


class Notice(TenantOwned, Base):
    """A message to a user that waits to be sent: written in the transaction of what it tells of."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_due", "tenant_id", "state", "due_at"),)
    # Derived from what is recorded.
    __audited__ = False

    user_id: Mapped[UUID] = tenant_fk("user_account")
    template: Mapped[str] = mapped_column(Str(63))
    # Address, locale, and what the template is told, which may hold a one-time link; nothing once it was sent.
    payload: Mapped[Sealed | None] = mapped_column(Encrypted(4096))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[NoticeState] = mapped_column(Choice(NoticeState), default=NoticeState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What the other side said last: its code, 0 for none, and its words.
    code: Mapped[int] = mapped_column(default=0)
    said: Mapped[str] = mapped_column(Str(500), default="")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user = to_one("Notice", "user_id", "User")
