"""What roles, permissions and preferences take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, JsonValue

from holdfast.core.identity.schemas.users import RoleName
from holdfast.kernel.schemas import Inward, Moment, OneLine, OrNull, Outward, Partial

PermissionName = Annotated[OneLine, Field(min_length=1, max_length=120, examples=["directory.company.read"])]
Permissions = Annotated[list[PermissionName], Field(max_length=500, description="As `GET permissions` names them.")]
Description = Annotated[OneLine, Field(max_length=500, examples=["Keeps the directory up to date"])]


class RoleFields(Inward):
    """All writable fields of a role of the organisation's own."""

    name: Annotated[RoleName, Field(examples=["Registrar"])]
    description: OrNull[Description] = None
    permissions: Permissions


class RoleCreate(RoleFields):
    """A new role."""


class RoleReplace(RoleFields):
    """A role's fields, all of them."""


class RoleUpdate(Partial):
    """A role's fields to change; what is left out stays."""

    name: RoleName = ""
    description: OrNull[Description] = None
    permissions: Annotated[Permissions, Field(default_factory=list)]


class RoleOut(Outward):
    """A role: a built-in one has neither id nor version, and never changes."""

    id: UUID | None
    name: str
    description: str | None
    built_in: bool
    permissions: list[str]
    version: int | None
    created_at: datetime | None
    updated_at: datetime | None
    created_by: UUID | None
    updated_by: UUID | None
    deleted_at: datetime | None


class Roles(Outward):
    """The roles: the built-in ones first, then the organisation's own by name."""

    data: list[RoleOut]


class PermissionOut(Outward):
    """A right that a role can hold."""

    name: str
    title: str
    slice: Annotated[str, Field(description="The part of the platform that it belongs to.")]


class PermissionList(Outward):
    """The rights that there are."""

    data: list[PermissionOut]


class AssignmentUpdate(Inward):
    """When a role that a user holds is to end."""

    ends_at: Annotated[Moment | None, Field(description="Null: it does not end by itself.")]


class AssignmentOut(Outward):
    """A role that a user holds, or held."""

    id: UUID
    role: str
    role_id: Annotated[UUID | None, Field(description="Null for a built-in role.")]
    company_id: UUID | None
    branch_id: UUID | None
    department_id: UUID | None
    group_id: UUID | None
    given_at: datetime
    ends_at: Annotated[datetime | None, Field(description="The end, planned or past.")]


class PreferenceOut(Outward):
    """What a user chose for one part of the console."""

    name: str
    value: dict[str, JsonValue]
    version: int
    updated_at: datetime


class Preferences(Outward):
    """What a user chose."""

    data: list[PreferenceOut]
