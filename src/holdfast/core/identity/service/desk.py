"""What identity keeps in a process: keys, token signer, password pool, limits."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from holdfast.core.identity.service.passwords import Passwords
from holdfast.core.identity.service.tokens import AccessTokens
from holdfast.kernel.crypto import Keys, encode, mac
from holdfast.kernel.db import folded
from holdfast.kernel.limits import SENSITIVE_ACCOUNT, SENSITIVE_ADDRESS, Limiter
from holdfast.kernel.middleware.clients import address_key
from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App
from holdfast.kernel.settings import Settings
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Gate, Works

SLOT = "identity"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The console's cookie: `__Host-` and Secure wherever the platform is reached by https."""

    name: str
    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> "SessionCookie":
        """Return the cookie for an installation: plain http is left to development on the own machine."""
        secure = settings.public_url.startswith("https:") or settings.environment in {"production", "staging"}
        return cls("__Host-holdfast" if secure else "holdfast", secure)

    def carrying(self, value: str) -> str:
        """Return the Set-Cookie text that gives the cookie; it lives until the browser or the session ends."""
        return f"{self.name}={value}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if self.secure else ''}"

    def cleared(self) -> str:
        """Return the Set-Cookie text that takes the cookie away."""
        return self.carrying("") + "; Max-Age=0"


@dataclass(slots=True)
class Desk:
    """Where sign-ins are judged."""

    keys: Keys
    tokens: AccessTokens
    passwords: Passwords
    limiter: Limiter
    cookie: SessionCookie
    # The sign-ins of the demo data, shown on the sign-in page of a demonstration: (who, name, password).
    demo: tuple[tuple[str, str, str], ...] = ()
    # What is installed: which permissions there are, and which preferences.
    apps: tuple[App, ...] = ()
    system_tenant: UUID = SYSTEM_TENANT
    # What the installed apps let be permitted.
    permissions: tuple[Permission, ...] = ()
    # Stands in an API key, so that who finds one knows which kind of installation it opens.
    key_label: str = "live"
    # Cookie sessions seen since the last write of their idle times: one write a minute, not one a request.
    seen: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)

    @property
    def permission_names(self) -> frozenset[str]:
        """Return the permissions that count in an organisation that is not the operators'."""
        return frozenset(each.name for each in self.permissions if not each.platform)

    @property
    def optional_apps(self) -> tuple[App, ...]:
        """Return the installed applications, which an organisation may switch off."""
        return tuple(app for app in self.apps if app.optional)

    def name_hash(self, name: str) -> bytes:
        """Return the keyed hash under which an address or user name is found."""
        return mac(self.keys.names, folded(name).encode())

    def csrf_token(self, session_id: UUID) -> str:
        """Return the token that changing requests of a browser session carry."""
        return encode(mac(self.keys.csrf, session_id.bytes))

    async def take_turn(self, gate: Gate, *, account: str | None) -> None:
        """Count a sensitive attempt; raises RateLimited."""
        counted = [(address_key(gate.request.ip or ""), SENSITIVE_ADDRESS)]
        if account is not None:
            counted.append((account, SENSITIVE_ACCOUNT))
        await self.limiter.require(*counted)

    async def count_account(self, account: str) -> None:
        """Count an attempt of an account that was recognised first; raises RateLimited."""
        await self.limiter.require((account, SENSITIVE_ACCOUNT))


def desk_of(works: Works) -> Desk:
    """Return this process's desk, which the composition root put there."""
    desk = works.state[SLOT]
    assert isinstance(desk, Desk)
    return desk
