"""Roles of an organisation's own, and which user holds which role where and until when."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import (
    NOBODY,
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


class ScopeKind(enum.StrEnum):
    """What an assignment is limited to; a department with all below it."""

    COMPANY = "company"
    BRANCH = "branch"
    DEPARTMENT = "department"
    GROUP = "group"


class Role(Tracked, Trashable, Base):
    """A role of the organisation's own: a set of permissions. The built-in ones are no rows."""

    __tablename__ = "role"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name_key", "deleted_key", name="uq_role_name", info={"field": "name"}),
    )

    name: Mapped[str] = mapped_column(Str(63))
    name_key: Mapped[str] = mapped_column(Str(126), info={"audit": "omit"})
    description: Mapped[str | None] = mapped_column(Str(500))
    permissions: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)

    @validates("name")
    def _fold(self, field: str, value: str) -> str:
        setattr(self, f"{field}_key", folded(value))
        return value


class RoleAssignment(TenantOwned, Base):
    """A role that a user holds, or held: an ended row stays, so that it can be told who held what when."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id",
            "user_id",
            "role_key",
            "scope_key",
            "ended_key",
            name="uq_role_assignment_role",
            info={"field": "role"},
        ),
    )

    user_id: Mapped[UUID] = tenant_fk("user_account")
    # The name of a built-in role, or that of the organisation's own: renaming that one changes it here.
    role: Mapped[str] = mapped_column(Str(63))
    role_id: Mapped[UUID | None] = tenant_fk("role", nullable=True)
    role_key: Mapped[str] = mapped_column(Str(63), info={"audit": "omit"})
    company_id: Mapped[UUID | None] = tenant_fk("company", nullable=True)
    branch_id: Mapped[UUID | None] = tenant_fk("branch", nullable=True)
    department_id: Mapped[UUID | None] = tenant_fk("department", nullable=True)
    group_id: Mapped[UUID | None] = tenant_fk("person_group", nullable=True)
    scope_kind: Mapped[ScopeKind | None] = mapped_column(Choice(ScopeKind))
    scope_key: Mapped[UUID] = mapped_column(Uuid, default=NOBODY, info={"audit": "omit"})
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The end, planned or past; `ended_key` holds the id once another may take its place.
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_key: Mapped[UUID] = mapped_column(Uuid, default=NOBODY, info={"audit": "omit"})

    user = to_one("RoleAssignment", "user_id", "User")
    custom = to_one("RoleAssignment", "role_id", "Role")
    company = to_one("RoleAssignment", "company_id", "Company")
    branch = to_one("RoleAssignment", "branch_id", "Branch")
    department = to_one("RoleAssignment", "department_id", "Department")
    group = to_one("RoleAssignment", "group_id", "PersonGroup")
