"""Whom something is for."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from holdfast.kernel.schemas import Inward, Moment, OrNull, Outward


class AudiencePart(Inward):
    """Some of the people: those within a unit, those in a group, those who hold a role, or one person."""

    kind: Literal["company", "branch", "department", "group", "person", "role"]
    id: Annotated[
        UUID | None, Field(description="Of the unit, group or person; a department is meant with all below it.")
    ] = None
    role: Annotated[
        OrNull[Annotated[str, Field(max_length=63)]],
        Field(description="A built-in role by its name, one of your own by its id.", examples=["Admin"]),
    ] = None

    @model_validator(mode="after")
    def _names_one(self) -> "AudiencePart":
        if (self.role is None) is (self.kind == "role") or (self.id is None) is not (self.kind == "role"):
            raise ValueError("give `role` for the kind role, and `id` for every other")
        return self


class Audience(Inward):
    """One rule for whom something is: everyone in any of `include`, all where there is none, without `exclude`."""

    include: Annotated[list[AudiencePart], Field(default_factory=list, max_length=100)]
    exclude: Annotated[list[AudiencePart], Field(default_factory=list, max_length=100)]


class AudienceQuestion(Audience):
    """Whom a rule holds, now or at a moment."""

    at: Annotated[Moment | None, Field(description="Who was in it then; null for now.")] = None
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 50


class AudienceMember(Outward):
    """Somebody in an audience."""

    id: UUID
    number: str
    given_name: str
    family_name: str
    email: str | None
