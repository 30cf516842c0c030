"""Where a unit of work comes from: the request or command, and what its caller presented."""

from dataclasses import dataclass
from uuid import UUID

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
