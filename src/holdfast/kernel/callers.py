"""Where a unit of work comes from: the request, what was presented with it, and who that turned out to be."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from holdfast.kernel.engines import Link
from holdfast.kernel.permissions import Actor


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Where a unit of work comes from: the request's facts, or those of a command."""

    request_id: str = ""
    ip: str | None = None
    user_agent: str | None = None
    method: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a caller presented, as an address to look up inside a tenant; it carries no authority of its own."""

    kind: str
    tenant_id: UUID
    session_id: UUID
    secret: bytes | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """What the credential's row said: who acts, the key of its forms, and what identity knows of it besides."""

    actor: Actor
    csrf_secret: bytes
    profile: object


class Authenticator(Protocol):
    """Port filled by identity: from headers to a credential, from a credential to its row."""

    def read(self, authorization: str | None, cookie: str | None) -> Credential | None:
        """Return what was presented, None for nothing; raise Unauthenticated for something unreadable."""
        ...

    async def resolve(self, link: Link, credential: Credential, now: datetime, ip: str | None) -> Presence | None:
        """Bind the link to the credential's tenant and return its row's say, None where it is not or no longer good.

        `ip` is the address that it came from, None for none.
        """
        ...
