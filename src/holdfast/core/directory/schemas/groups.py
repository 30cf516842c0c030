"""What the directory takes and gives of groups, and of who was where when."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from holdfast.core.directory.models import PersonStatus
from holdfast.core.directory.schemas import Code, Name
from holdfast.kernel.schemas import Inward, OneLine, OrNull, Outward, Partial, RecordOut

Description = Annotated[OneLine, Field(max_length=500, examples=["Trained to give first aid"])]


class GroupFields(Inward):
    """All writable fields of a group."""

    code: Code
    name: Name
    description: OrNull[Description] = None


class GroupCreate(GroupFields):
    """A new group."""


class GroupReplace(GroupFields):
    """A group's fields, all of them: what is left out becomes its default."""


class GroupUpdate(Partial):
    """A group's fields to change; what is left out stays."""

    code: Code = ""
    name: Name = ""
    description: OrNull[Description] = None


class GroupOut(RecordOut):
    """A group."""

    code: str
    name: str
    description: str | None
    deleted_at: Annotated[datetime | None, Field(description="When it was put into the trash.")]


class MembersAdd(Inward):
    """Whom to put into a group; who is in it already stays."""

    person_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class MembersAdded(Outward):
    """What came of it."""

    added: Annotated[int, Field(description="How many were not in the group before.")]


class MemberOut(Outward):
    """A person in a group, as their record is now."""

    person_id: UUID
    number: str
    given_name: str
    family_name: str
    email: str | None
    job_title: str | None
    department_id: UUID | None
    status: PersonStatus
    joined_at: datetime
    left_at: Annotated[datetime | None, Field(description="Null while the person is in it.")]


class MembershipOut(Outward):
    """A group that a person is in, as its record is now."""

    group_id: UUID
    code: str
    name: str
    joined_at: datetime
    left_at: Annotated[datetime | None, Field(description="Null while the person is in it.")]


class PlacementOut(Outward):
    """Where a person works, from one moment to another."""

    id: UUID
    company_id: UUID | None
    branch_id: UUID | None
    department_id: UUID | None
    job_title: str | None
    manager_id: UUID | None
    valid_from: Annotated[datetime, Field(description="For the first one the person's first day, where that was past.")]
    valid_to: Annotated[datetime | None, Field(description="When it ended; null while it lasts.")]
