"""API keys, service accounts, and the rules for signing in."""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field

from holdfast.core.identity.models import Session
from holdfast.kernel.schemas import Inward, Moment, OneLine, OrNull, Outward


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


def _positive(most: int) -> Any:
    return Field(ge=1, le=most)


class SignInPolicyIn(Inward):
    """An organisation's rules for signing in; null leaves it to the installation."""

    password_min_length: Annotated[int | None, Field(ge=8, le=128, description="Of who has no second factor.")] = None
    password_min_length_with_mfa: Annotated[int | None, Field(ge=8, le=128)] = None
    mfa_roles: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=63)]],
        Field(
            default_factory=list,
            max_length=100,
            description="Names of roles whose holders need a second factor.",
            examples=[["Admin"]],
        ),
    ]
    session_idle_minutes: Annotated[int | None, _positive(1440)] = None
    session_absolute_hours: Annotated[int | None, _positive(168)] = None
    refresh_idle_days: Annotated[int | None, _positive(90)] = None
    refresh_absolute_days: Annotated[int | None, _positive(365)] = None
    networks: Annotated[Networks | None, Field(description="From where alone anyone may come; null for anywhere.")] = (
        None
    )


class SignInPolicyOut(Outward):
    """An organisation's rules for signing in."""

    version: Annotated[int, Field(description="0 while none were set; sent as ETag, asked for in If-Match.")]
    password_min_length: int | None
    password_min_length_with_mfa: int | None
    mfa_roles: list[str]
    session_idle_minutes: int | None
    session_absolute_hours: int | None
    refresh_idle_days: int | None
    refresh_absolute_days: int | None
    networks: list[str] | None
