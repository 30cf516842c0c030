"""What people are told, what became of it, what they chose, and the texts that organisations wrote themselves."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import (
    SECRET,
    Base,
    Bytes,
    CanonicalJson,
    Choice,
    Json,
    Str,
    TenantOwned,
    Tracked,
    UtcDateTime,
    tenant_fk,
    to_one,
)
from holdfast.kernel.keys import Encrypted, Sealed

LONGEST_TOLD = 4000
# What MySQL calls text ends at 64 KiB.
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


class NoticeState(enum.StrEnum):
    """What became of the mail of a message."""

    WAITING = "waiting"
    HELD = "held"  # until its person's digest is due
    SENDING = "sending"  # somebody has it in hand, or died with it
    SENT = "sent"
    MERGED = "merged"  # it stands in a digest
    OFF = "off"  # no mail is wanted, or there is no address
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # it may have gone out: nothing sends it again by itself
    SUPPRESSED = "suppressed"  # its address is not written to
    BOUNCED = "bounced"  # taken over by a server, and refused by a later one
    COMPLAINED = "complained"  # whom it reached called it unwanted


class Digest(enum.StrEnum):
    """How often what can wait is put together into one mail."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"  # on Mondays


class Reason(enum.StrEnum):
    """Why an address is not written to."""

    BOUNCED = "bounced"  # it does not exist
    COMPLAINED = "complained"  # whoever has it called a message unwanted
    MANUAL = "manual"  # a person said so


class Notice(TenantOwned, Base):
    """A message to a user: written in the transaction of what it tells of, kept in their inbox, sent as a mail."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "key", name="uq_notice_key"),
        Index("ix_notice_due", "tenant_id", "state", "due_at"),
        Index("ix_notice_inbox", "tenant_id", "user_id", "inbox", "created_at", "id"),
        Index("ix_notice_unread", "tenant_id", "user_id", "inbox", "read_at"),
    )
    # Derived from what is recorded.
    __audited__ = False

    user_id: Mapped[UUID] = tenant_fk("user_account")
    message: Mapped[str] = mapped_column(Str(100))
    # By whoever tells: a second message with it is not written.
    key: Mapped[str | None] = mapped_column(Str(200))
    # What the message is told, which may be a one-time link, and another address; nothing once nobody needs it.
    payload: Mapped[Sealed | None] = mapped_column(Encrypted(LONGEST_TOLD + 96))
    # The address it went to, as a blind index: what comes back is held against it after the payload has gone.
    to_key: Mapped[bytes | None] = mapped_column(Bytes(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    inbox: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[NoticeState] = mapped_column(Choice(NoticeState), default=NoticeState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What the other side said last: its code, 0 for none, and its words.
    code: Mapped[int] = mapped_column(default=0)
    said: Mapped[str] = mapped_column(Str(500), default="")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The message that this one stands in.
    digest_id: Mapped[UUID | None] = mapped_column(Uuid)

    user = to_one("Notice", "user_id", "User")


class NotifyPreference(Tracked, Base):
    """How a user wants to be told: the id is the user's."""

    __tablename__ = "notify_preference"

    # By message, the channels that are wanted of those that it has; what is not named is as it is declared.
    channels: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)
    digest: Mapped[Digest] = mapped_column(Choice(Digest), default=Digest.OFF)
    digest_hour: Mapped[int] = mapped_column(default=8)
    # Local times as `22:00`, both or none.
    quiet_from: Mapped[str | None] = mapped_column(Str(5))
    quiet_until: Mapped[str | None] = mapped_column(Str(5))


class MessageTemplate(Tracked, Base):
    """The texts of a message in one language, as an organisation wants them."""

    __tablename__ = "message_template"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "message", "locale", name="uq_message_template_message", info={"field": "locale"}
        ),
    )

    message: Mapped[str] = mapped_column(Str(100))
    locale: Mapped[str] = mapped_column(Str(35))
    subject: Mapped[str] = mapped_column(Str(200))
    text: Mapped[str] = mapped_column(LONG_TEXT)
    html: Mapped[str | None] = mapped_column(LONG_TEXT)
    # It could not be rendered, so that ours was sent; said once.
    failed: Mapped[bool] = mapped_column(default=False)


class Announcement(TenantOwned, Base):
    """A message to an audience, until a job has told everyone in it."""

    __tablename__ = "announcement"
    # Whoever announces records of what.
    __audited__ = False

    message: Mapped[str] = mapped_column(Str(100))
    key: Mapped[str] = mapped_column(Str(200))
    audience: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)
    payload: Mapped[Sealed] = mapped_column(Encrypted(LONGEST_TOLD + 96))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Everyone up to this user was told.
    told_until: Mapped[UUID | None] = mapped_column(Uuid)


class Suppression(TenantOwned, Base):
    """An address that an organisation does not write to; the index finds it, and only the organisation reads it."""

    __tablename__ = "mail_suppression"
    __parameter__ = "suppression_id"
    __table_args__ = (
        UniqueConstraint("tenant_id", "address_key", name="uq_mail_suppression_address", info={"field": "address"}),
        Index("ix_mail_suppression_created", "tenant_id", "created_at", "id"),
    )

    address_key: Mapped[bytes] = mapped_column(Bytes(32), info=SECRET)
    address: Mapped[Sealed] = mapped_column(Encrypted(320), info=SECRET)
    reason: Mapped[Reason] = mapped_column(Choice(Reason))
    # What the other side said, or the person.
    said: Mapped[str] = mapped_column(Str(500), default="", info=SECRET)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)
