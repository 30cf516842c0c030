"""Signing in, sessions and the set-up."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from holdfast.core.identity.models import ScopeKind, SessionKind
from holdfast.kernel.schemas import Inward, OneLine, Outward

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", examples=["techstart"])]


def _as_it_is(value: object) -> object:
    """Keep the blanks around a password, which are dropped around every other text."""
    return SecretStr(value) if isinstance(value, str) else value


PasswordText = Annotated[SecretStr, BeforeValidator(_as_it_is), Field(min_length=1, max_length=1024)]


CodeText = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["492039"])]


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


class PasswordPatch(Inward):
    """For one's own password the present one and the one to come, for another's nothing."""

    current_password: PasswordText | None = None
    new_password: PasswordText | None = None


class Forgotten(Inward):
    """Whose password was forgotten."""

    email: Annotated[OneLine, Field(min_length=1, max_length=254, examples=["ceo@techstart.com"])]
    organization: Annotated[Slug | None, Field(description="Needed when the address is known in several.")] = None


class PasswordReset(Inward):
    """The secret of a link, and the password to come."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=200, description="What follows `#token=` in the link.")]
    new_password: PasswordText


class TotpCode(Inward):
    """The code that an authenticator shows now."""

    code: CodeText


class _Factor(Inward):
    code: CodeText | None = None
    recovery_code: Annotated[
        SecretStr | None, Field(min_length=1, max_length=64, description="In place of a code, once.")
    ] = None


class StepUp(_Factor):
    """What shows that it is you: a code where you have a second factor, else the password."""

    password: PasswordText | None = None

    @model_validator(mode="after")
    def _one(self) -> "StepUp":
        if [self.password, self.code, self.recovery_code].count(None) != 2:
            raise ValueError("give one of password, code and recovery_code")
        return self


class SecondFactor(_Factor):
    """What a sign-in waits for."""

    mfa_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    session: Annotated[
        Literal["token", "cookie"] | None, Field(description="As the sign-in said, where nothing is given.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "SecondFactor":
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("give either code or recovery_code")
        return self


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


class LinkSent(Outward):
    """What is answered where a link is sent, if there is somebody to send it to."""

    message: str


class TotpEnrolment(Outward):
    """A new authenticator; it is shown once."""

    once: ClassVar[frozenset[str]] = frozenset({"secret", "otpauth_uri"})

    secret: Annotated[
        str | None,
        Field(description="To be typed into the authenticator, in base32; null where the request is answered again."),
    ]
    otpauth_uri: Annotated[str | None, Field(description="The same as an address, for a QR code.")]


class MfaRequired(Outward):
    """A sign-in whose password was right and that waits for the second factor."""

    mfa_required: Literal[True] = True
    mfa_token: Annotated[str, Field(description="For `auth/mfa/verify`, once and within `expires_in`.")]
    expires_in: Annotated[int, Field(description="Seconds until this sign-in is over.")]
    methods: list[Literal["totp", "recovery_code"]]
    enrolment: Annotated[
        TotpEnrolment | None,
        Field(description="Given where your organisation asks for a second factor and you have none yet."),
    ]


class RecoveryCodes(Outward):
    """Ten codes that stand in for the authenticator, each once; they are shown once."""

    once: ClassVar[frozenset[str]] = frozenset({"recovery_codes"})

    recovery_codes: Annotated[list[str] | None, Field(description="Null where the same request is answered again.")]


class VerifiedTokens(Tokens):
    """What a program gets when it showed the second factor."""

    recovery_codes: Annotated[list[str], Field(description="After an enrolment, once; else empty.")]


class VerifiedCookie(CookieSession):
    """What a browser gets when it showed the second factor."""

    recovery_codes: Annotated[list[str], Field(description="After an enrolment, once; else empty.")]


class MfaOut(Outward):
    """One's second factor."""

    totp: Annotated[bool, Field(description="Whether sign-in asks for an authenticator's code.")]
    confirmed_at: datetime | None
    recovery_codes_left: int
    required: Annotated[bool, Field(description="Whether the organisation asks for a second factor.")]


class SteppedUpOut(Outward):
    """Until when what was shown is enough."""

    verified_at: datetime
    second_factor: Annotated[bool, Field(description="Whether this session showed a second factor.")]
    expires_in: Annotated[int, Field(description="Seconds for which it holds.")]


class UnitOut(Outward):
    """A part of the organisation."""

    kind: ScopeKind
    id: UUID


class GrantOut(Outward):
    """A role that the caller holds: everywhere, or in one unit of the organisation."""

    role: str
    unit: UnitOut | None
    ends_at: datetime | None


class MeUser(UserBrief):
    """Who is signed in, and how they like to be shown things."""

    locale: str | None
    time_zone: str | None
    version: Annotated[int | None, Field(description="Asked for in If-Match by PATCH.")]


class Me(Outward):
    """Who is signed in, and what they may do."""

    user: MeUser
    organization: OrganizationBrief
    roles: list[str]
    permissions: Annotated[list[str], Field(description="What holds in the whole organisation.")]
    applications: Annotated[list[str], Field(description="Names of the applications that are on here.")]
    grants: list[GrantOut]
