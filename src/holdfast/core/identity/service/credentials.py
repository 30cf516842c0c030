"""The authenticator: what was presented, and the one query that says whether it is still good."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.service.desk import Desk
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.clock import Clock
from holdfast.kernel.crypto import digest, mac, same
from holdfast.kernel.engines import Link
from holdfast.kernel.errors import Unauthenticated
from holdfast.kernel.permissions import Actor
from holdfast.kernel.work import Credential, Presence

BEARER = "bearer "
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the credential's row says is there: enough to answer `auth/me` and to head a page."""

    user_id: UUID
    email: str
    username: str | None
    name: str
    tenant_id: UUID
    slug: str
    organization: str


class SessionAuthenticator:
    """Resolves cookies and access tokens to the session row they point at; fills the kernel's `Authenticator` port."""

    def __init__(self, desk: Desk, roles: Mapping[str, frozenset[str]], clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

        # Caches parsing of a role list, not authority: the list itself is read with every request.
        @functools.lru_cache(maxsize=1024)
        def permissions(names: str) -> tuple[tuple[str, ...], frozenset[str]]:
            held = tuple(sorted(names.split(","))) if names else ()
            return held, frozenset().union(*(roles.get(name, frozenset()) for name in held))

        self._permissions = permissions

    def read(self, authorization: str | None, cookie: str | None) -> Credential | None:
        """Return the session that a header or cookie points at; a bearer token wins over a cookie.

        Raises Unauthenticated for a header that is no bearer token of ours.
        """
        if authorization is not None:
            if len(authorization) > LONGEST or not authorization[: len(BEARER)].lower() == BEARER:
                raise Unauthenticated("The Authorization header must be 'Bearer <access token>'.")
            found = self._desk.tokens.read(authorization[len(BEARER) :].strip(), self._clock())
            if found is None:
                raise Unauthenticated("The access token is not valid or has expired.")
            return Credential("token", *found)
        address = Address.parse(cookie) if cookie else None
        return None if address is None else Credential("cookie", address.tenant_id, address.row_id, address.secret)

    async def resolve(self, link: Link, credential: Credential, now: datetime) -> Presence | None:
        """Bind the link to the tenant and read the session's row: None unless session, user and tenant are good."""
        row = await queries.find_credential(
            link, tenant_id=credential.tenant_id, session_id=credential.session_id, now=now
        )
        if row is None:
            return None
        secret_hash, kind, user, email, username, name, slug, organization, roles = row
        # A session is good only in the form it was opened in: a token's row opens no cookie and the reverse.
        if kind != credential.kind:
            return None
        if credential.secret is not None and not same(digest(credential.secret), bytes(secret_hash)):
            return None
        held, permissions = self._permissions(roles or "")
        if kind == "cookie":
            self._desk.seen[credential.tenant_id, credential.session_id] = now
        user_id = UUID(str(user))
        return Presence(
            actor=Actor("user", user_id, credential.session_id, roles=held, permissions=permissions),
            csrf_secret=mac(self._desk.keys.csrf, credential.session_id.bytes),
            profile=Profile(user_id, email, username, name, credential.tenant_id, slug, organization),
        )
