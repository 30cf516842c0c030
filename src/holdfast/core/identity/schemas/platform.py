"""What operators take and give, acting in another's place, and an organisation's applications."""

import enum
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from holdfast.core.identity.schemas.accounts import Slug
from holdfast.kernel.schemas import Inward, OneLine, OrNull, Outward


class TenantStatus(enum.StrEnum):
    """Whether an organisation may be entered."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    PURGING = "purging"
    DELETED = "deleted"


# Organisations whose data are going or gone: nothing brings them back.
GONE = frozenset({TenantStatus.PURGING, TenantStatus.DELETED})


Reason = Annotated[OneLine, Field(min_length=10, max_length=500, examples=["Ticket 4711: locked out of the console"])]
Address = Annotated[
    OneLine, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", examples=["ann@example.com"])
]


class FirstAdministrator(Inward):
    """Whom an organisation begins with."""

    email: Address
    name: Annotated[OneLine, Field(min_length=1, max_length=200)]


class OrganizationCreate(Inward):
    """An organisation and its first administrator."""

    slug: Annotated[Slug, Field(description="The organisation's handle.", examples=["northern"])]
    name: Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Northern Clinics"])]
    industry: Annotated[OrNull[Annotated[OneLine, Field(max_length=100)]], Field()] = None
    country: Annotated[OrNull[Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["GB"])]], Field()] = None
    administrator: FirstAdministrator


class Reasoned(Inward):
    """Why something grave is done."""

    reason: Reason


class CacheClear(Inward):
    """What of the cache is forgotten; what is left out is not asked for."""

    namespace: Annotated[
        str | None,
        Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=100, description="One kind.", examples=["directory.tree"]),
    ] = None
    organization_id: Annotated[UUID | None, Field(description="Of one organisation.")] = None
    pattern: Annotated[
        OneLine | None,
        Field(min_length=1, max_length=200, description="Keys: `*`, `?` and `[…]` as in a shell.", examples=["whole*"]),
    ] = None


class CacheClearedOut(Outward):
    """How much was forgotten."""

    cleared: Annotated[int, Field(description="Number of values.")]


class BreakGlassOpen(Reasoned):
    """Which organisation is entered, why, and for how long."""

    organization_id: UUID
    minutes: Annotated[int, Field(ge=1, le=60)] = 30


class Impersonate(Reasoned):
    """Why one acts in a user's place, and for how long."""

    minutes: Annotated[int, Field(ge=1, le=60)] = 30


class PlatformOrganizationOut(Outward):
    """An organisation as operators see it."""

    id: UUID
    slug: str
    status: TenantStatus
    demo: bool
    created_at: datetime
    delete_after: Annotated[datetime | None, Field(description="When its data may be deleted, where that is set.")]


class PurgeOut(Outward):
    """What one step of removing an organisation's data did."""

    organization_id: UUID
    status: Annotated[TenantStatus, Field(description="`purging` while more is left: ask again; `deleted` at the end.")]
    rows: Annotated[
        dict[str, int],
        Field(description="Rows removed in this step, by table; with a column: rows of which that was emptied."),
    ]


class FileQuota(Inward):
    """How much an organisation's files may take."""

    megabytes: Annotated[
        int | None,
        Field(ge=0, le=10**9, description="Null: the default of the installation; 0: no limit.", examples=[50_000]),
    ]


class FileQuotaOut(Outward):
    """How much an organisation's files take, and may take."""

    organization_id: UUID
    megabytes: Annotated[int | None, Field(description="A quota of its own; null: the installation's.")]
    limit_bytes: Annotated[int | None, Field(description="Null: there is no limit.")]
    bytes: int
    announced_bytes: Annotated[int, Field(description="Of uploads that are on their way; they count, too.")]


class ApplicationsIn(Inward):
    """Which applications are off; all others are on."""

    off: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=63)]],
        Field(max_length=100, description="Names of installed applications.", examples=[[]]),
    ]


class ApplicationOut(Outward):
    """An installed application."""

    name: str
    title: str
    on: Annotated[bool, Field(description="Whether it is there for this organisation.")]


class ApplicationsOut(Outward):
    """The installed applications."""

    version: Annotated[int, Field(description="0 while none was switched; sent as ETag, asked for in If-Match.")]
    applications: list[ApplicationOut]


class BreakGlassOut(Outward):
    """An emergency access."""

    id: UUID
    operator_id: UUID
    target_id: UUID
    target_slug: str
    reason: str
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class BreakGlassGrant(BreakGlassOut):
    """An emergency access that was just opened."""

    once: ClassVar[frozenset[str]] = frozenset({"access_token"})

    access_token: Annotated[str | None, Field(description="Null where the same request is answered again.")]


class ImpersonationGrant(Outward):
    """An access token in a user's place."""

    once: ClassVar[frozenset[str]] = frozenset({"access_token"})

    session_id: UUID
    user_id: UUID
    expires_at: datetime
    access_token: Annotated[str | None, Field(description="Null where the same request is answered again.")]
