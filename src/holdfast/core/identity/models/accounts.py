"""Users, their passwords and their preferences."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import (
    SECRET,
    UNTRACKED,
    Base,
    CanonicalJson,
    Choice,
    Json,
    Str,
    TenantOwned,
    Tracked,
    Trashable,
    UtcDateTime,
    folded,
    tenant_fk,
    to_one,
)


class UserKind(enum.StrEnum):
    """Who signs in: a person, or a program with API keys only."""

    PERSON = "person"
    SERVICE = "service"


class UserStatus(enum.StrEnum):
    """Whether a user may sign in; `locked` is set by an administrator or after 100 failures in a row."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOCKED = "locked"


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
        UniqueConstraint(
            "tenant_id", "person_id", "deleted_key", name="uq_user_account_person", info={"field": "person_id"}
        ),
        Index("ix_user_account_name", "tenant_id", "name_key", "id"),
    )

    # An account of a program has none.
    email: Mapped[str | None] = mapped_column(Str(254))
    email_key: Mapped[str | None] = mapped_column(Str(254), info={"audit": "omit"})
    username: Mapped[str | None] = mapped_column(Str(64))
    username_key: Mapped[str | None] = mapped_column(Str(64), info={"audit": "omit"})
    name: Mapped[str] = mapped_column(Str(200))
    name_key: Mapped[str] = mapped_column(Str(400), info={"audit": "omit"})
    kind: Mapped[UserKind] = mapped_column(Choice(UserKind), default=UserKind.PERSON)
    # The employee whose account this is: it opens no door after their last day.
    person_id: Mapped[UUID | None] = tenant_fk("person", nullable=True)
    status: Mapped[UserStatus] = mapped_column(Choice(UserStatus), default=UserStatus.ACTIVE)
    status_reason: Mapped[str | None] = mapped_column(Str(500))
    locale: Mapped[str | None] = mapped_column(Str(35))
    time_zone: Mapped[str | None] = mapped_column(Str(64))
    demo: Mapped[bool] = mapped_column(default=False)

    person = to_one("User", "person_id", "Person")

    @validates("email", "username", "name")
    def _fold(self, field: str, value: str | None) -> str | None:
        setattr(self, f"{field}_key", None if value is None else folded(value))
        return value


class Password(TenantOwned, Base):
    """The password of a user: the id is the user's. Apart, so that no list or entry can meet the hash."""

    __tablename__ = "user_password"

    hash: Mapped[str] = mapped_column(Str(255), info=SECRET)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0, info=UNTRACKED)


class Preference(Tracked, Base):
    """What a user chose for one part of the console; never asked in a decision about access."""

    __tablename__ = "user_preference"
    __table_args__ = (UniqueConstraint("tenant_id", "user_id", "name", name="uq_user_preference_name"),)

    user_id: Mapped[UUID] = tenant_fk("user_account")
    name: Mapped[str] = mapped_column(Str(63))
    value: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)

    user = to_one("Preference", "user_id", "User")
