"""What users and their invitations take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, field_validator

from holdfast.core.directory.public import Email, Locale, RowFault, TimeZone
from holdfast.core.identity.models import User, UserKind, UserStatus
from holdfast.core.identity.schemas.accounts import OrganizationBrief, PasswordText, UserBrief
from holdfast.kernel.db import folded
from holdfast.kernel.schemas import Inward, Moment, OneLine, OrNull, Outward, Partial, RecordOut


def _short(longest: int) -> AfterValidator:
    """Refuse what is too long for its column once it is folded."""

    def check(text: str) -> str:
        if len(folded(text)) > longest:
            raise ValueError("is too long once its ligatures are written out")
        return text

    return AfterValidator(check)


UserName = Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Ann Smith"]), _short(400)]
# Never an address: what is typed to sign in is one or the other; nor with a slash, which ends an organisation's handle.
Username = Annotated[OneLine, Field(min_length=1, max_length=64, pattern=r"^[^@/\s]+$", examples=["ann"]), _short(64)]
RoleName = Annotated[OneLine, Field(min_length=1, max_length=63, examples=["Viewer"])]
LinkSecret = Annotated[SecretStr, Field(min_length=1, max_length=200, description="The secret of the link.")]


class AssignmentCreate(Inward):
    """A role to give, in the whole organisation or in one part of it."""

    role: Annotated[RoleName, Field(description="The name of a role, or the id of one of the organisation's own.")]
    company_id: UUID | None = None
    branch_id: UUID | None = None
    department_id: Annotated[UUID | None, Field(description="With all departments below it.")] = None
    group_id: UUID | None = None
    ends_at: Annotated[Moment | None, Field(description="When the role ends by itself.")] = None


class UserCreate(Inward):
    """A new user, who is invited to choose a password."""

    email: Email
    username: OrNull[Username] = None
    name: UserName
    person_id: Annotated[UUID | None, Field(description="The employee whose account it is.")] = None
    roles: Annotated[
        list[AssignmentCreate],
        Field(
            default_factory=list,
            max_length=20,
            description="Each a role to give, or just its name.",
            examples=[[{"role": "Viewer"}]],
        ),
    ]
    locale: OrNull[Locale] = None
    time_zone: OrNull[TimeZone] = None

    @field_validator("roles", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Take a name where a role is to be given everywhere and without an end."""
        return (
            [{"role": each} if isinstance(each, str) else each for each in value] if isinstance(value, list) else value
        )


class UserReplace(Inward):
    """A user's fields, all of them: what is left out becomes its default."""

    email: Annotated[OrNull[Email], Field(description="Null for the account of a program only.")]
    username: OrNull[Username] = None
    name: UserName
    person_id: UUID | None = None
    locale: OrNull[Locale] = None
    time_zone: OrNull[TimeZone] = None


class UserUpdate(Partial):
    """A user's fields to change; what is left out stays."""

    email: OrNull[Email] = None
    username: OrNull[Username] = None
    name: UserName = ""
    person_id: UUID | None = None
    locale: OrNull[Locale] = None
    time_zone: OrNull[TimeZone] = None


class StatusChange(Inward):
    """A user's new status."""

    status: Literal[UserStatus.ACTIVE, UserStatus.SUSPENDED]
    reason: Annotated[OneLine | None, Field(max_length=500)] = None


class OwnUpdate(Partial):
    """What everybody may change of themselves; what is left out stays."""

    name: UserName = ""
    locale: OrNull[Locale] = None
    time_zone: OrNull[TimeZone] = None


class OwnEmail(Inward):
    """The address to come."""

    email: Email


class LinkUse(Inward):
    """The secret of a one-time link."""

    token: LinkSecret


class InvitationUse(LinkUse):
    """The secret of an invitation, and the password that is chosen."""

    password: PasswordText


class Joined(Outward):
    """Who accepted an invitation, and where."""

    organization: OrganizationBrief
    user: UserBrief


class UsersImportReport(Outward):
    """What an import of users did, or would do."""

    dry_run: bool
    rows: int
    imported: int
    error_count: int
    errors: Annotated[list[RowFault], Field(description="The first thousand.")]


class UserOut(RecordOut):
    """A user as an administrator sees it."""

    email: str | None
    username: str | None
    name: str
    kind: UserKind
    person_id: UUID | None
    status: UserStatus
    locale: str | None
    time_zone: str | None
    deleted_at: datetime | None
    roles: Annotated[list[str], Field(description="Names of the roles held now, whatever their unit.")]

    @classmethod
    def of(cls, user: User, roles: list[str]) -> "UserOut":
        """Return the user with the roles it holds."""
        return cls(roles=roles, **{name: getattr(user, name) for name in cls.model_fields if name != "roles"})
