"""What identity takes and gives."""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from holdfast.core.identity.models import Session, SessionKind, User, UserStatus
from holdfast.kernel.schemas import Inward, Moment, OneLine, OrNull, Outward, RecordOut

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", examples=["techstart"])]


def _as_it_is(value: object) -> object:
    """Keep the blanks around a password, which are dropped around every other text."""
    return SecretStr(value) if isinstance(value, str) else value


PasswordText = Annotated[SecretStr, BeforeValidator(_as_it_is), Field(min_length=1, max_length=1024)]


class SignIn(Inward):
    """A name and a password."""

    email: Annotated[OneLine | None, Field(max_length=254, examples=["ceo@techstart.com"])] = None
    username: Annotated[OneLine | None, Field(max_length=64)] = None
    password: PasswordText
    organization: Annotated[Slug | None, Field(description="Needed when the name is known in several.")] = None
    session: Annotated[
        Literal["token", "cookie"], Field(description="`cookie` sets the console's cookie and returns no tokens.")
    ] = "token"

    @model_validator(mode="after")
    def _one_name(self) -> "SignIn":
        if (self.email is None) == (self.username is None):
            raise ValueError("give either email or username")
        return self


class PasswordChange(Inward):
    """The present password and the one to come."""

    current_password: PasswordText
    new_password: PasswordText


class Refresh(Inward):
    """A refresh token; it can be used once."""

    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class PasswordForm(Inward):
    """The OAuth2 password form; scopes are not used."""

    grant_type: Literal["password"] = "password"
    username: Annotated[OneLine, Field(min_length=1, max_length=320)]
    password: PasswordText
    scope: Annotated[str, Field(max_length=500)] = ""
    client_id: Annotated[str | None, Field(max_length=200)] = None
    client_secret: Annotated[SecretStr | None, Field(max_length=200)] = None


class StatusChange(Inward):
    """A user's new status."""

    status: Literal[UserStatus.ACTIVE, UserStatus.SUSPENDED]
    reason: Annotated[OneLine | None, Field(max_length=500)] = None


class Administrator(Inward):
    """An administrator and the organisation."""

    organization: Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Northern Clinics"])]
    slug: Annotated[Slug, Field(description="The organisation's handle.", examples=["northern"])]
    email: Annotated[
        OneLine, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", examples=["ann@example.com"])
    ]
    name: Annotated[OneLine, Field(min_length=1, max_length=200)]
    password: PasswordText


class Setup(Administrator):
    """The first organisation and its administrator."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=200, description="The secret of the set-up link.")]


class UserBrief(Outward):
    """Who somebody is."""

    id: UUID
    email: str | None
    username: str | None
    name: str


class UserOut(RecordOut):
    """A user as an administrator sees it."""

    email: str | None
    username: str | None
    name: str
    status: UserStatus
    roles: list[str]

    @classmethod
    def of(cls, user: User, roles: list[str]) -> "UserOut":
        """Return the user with the roles it holds."""
        return cls(
            id=user.id,
            version=user.version,
            created_at=user.created_at,
            updated_at=user.updated_at,
            created_by=user.created_by,
            updated_by=user.updated_by,
            email=user.email,
            username=user.username,
            name=user.name,
            status=user.status,
            roles=roles,
        )


class SessionOut(Outward):
    """A signed-in presence that is neither ended nor over."""

    id: UUID
    kind: SessionKind
    signed_in_at: datetime
    last_seen_at: datetime
    expires_at: Annotated[datetime, Field(description="The latest end; an idle session ends before.")]
    ip: str | None
    user_agent: str | None
    current: Annotated[bool, Field(description="Whether it is the one that asks.")]


class SessionsEnded(Outward):
    """How many sessions were ended."""

    ended: int


class OrganizationBrief(Outward):
    """Which organisation somebody belongs to."""

    id: UUID
    slug: str
    name: str


class SetupOut(Outward):
    """What the set-up made."""

    organization: OrganizationBrief
    user: UserBrief


class Tokens(Outward):
    """What a program gets when it signs in."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.")]
    user: UserBrief


class CookieSession(Outward):
    """What a browser gets when it signs in; the cookie comes beside it."""

    user: UserBrief
    csrf_token: Annotated[str, Field(description="Send as X-CSRF-Token with every changing request.")]


class Me(Outward):
    """Who is signed in, and what they may do."""

    user: UserBrief
    organization: OrganizationBrief
    roles: list[str]
    permissions: list[str]


def _networks(value: list[str]) -> list[str]:
    for each in value:
        ip_network(each)  # a ValueError says what is wrong with it
    return value


Networks = Annotated[
    list[Annotated[str, Field(max_length=49)]],
    Field(min_length=1, max_length=50, examples=[["203.0.113.0/24", "2001:db8::/32"]]),
    AfterValidator(_networks),
]
Scopes = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=500, examples=[["directory.person.read"]]),
]


class ApiKeyCreate(Inward):
    """What an API key is for, what it may do, from where and until when."""

    label: Annotated[OneLine, Field(min_length=1, max_length=120, examples=["Payroll export"])]
    expires_at: Annotated[Moment, Field(description="At most 365 days away.")]
    scopes: Annotated[Scopes | None, Field(description="Permissions; null for all that the owner has.")] = None
    networks: Annotated[Networks | None, Field(description="Where it may come from; null for anywhere.")] = None


class ApiKeyRotation(Inward):
    """How long the old key goes on beside the new one, and until when that is good."""

    expires_at: Annotated[Moment, Field(description="At most 365 days away.")]
    overlap_minutes: Annotated[int, Field(ge=0, le=10_080)] = 60


class ApiKeyOut(Outward):
    """An API key, without what opens the door."""

    id: UUID
    label: str
    scopes: list[str] | None
    networks: list[str] | None
    created_at: datetime
    last_used_at: Annotated[datetime, Field(description="To the minute; that of its making while it was not used.")]
    expires_at: datetime
    replaces_id: UUID | None

    @classmethod
    def of(cls, row: Session) -> "ApiKeyOut":
        """Return the key that a session row is."""
        return cls(**_key_fields(row))


def _key_fields(row: Session) -> dict[str, Any]:
    shown = ("id", "scopes", "networks", "expires_at", "replaces_id")
    moments = {"created_at": row.signed_in_at, "last_used_at": row.last_seen_at}
    return {"label": row.label, **moments, **{name: getattr(row, name) for name in shown}}


class ApiKeyIssued(ApiKeyOut):
    """An API key as it is shown once."""

    once: ClassVar[frozenset[str]] = frozenset({"key"})

    key: Annotated[str | None, Field(description="Shown this once; null where the same request is answered again.")]

    @classmethod
    def just_made(cls, row: Session, text: str) -> "ApiKeyIssued":
        """Return a key with its text."""
        return cls(**_key_fields(row), key=text)


class ServiceAccountCreate(Inward):
    """A program that acts by API keys only."""

    name: Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Payroll"])]
    username: Annotated[
        OrNull[Annotated[OneLine, Field(max_length=64, pattern=r"^[^@\s]+$", examples=["payroll"])]], Field()
    ] = None
