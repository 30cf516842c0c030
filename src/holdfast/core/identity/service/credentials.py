"""The authenticator: what was presented, and the one query that says whether it is still good."""

import functools
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.queries import CredentialRow
from holdfast.core.identity.service.desk import Desk
from holdfast.core.identity.service.tokens import KEY_PREFIX, Address, parse_key
from holdfast.kernel.callers import Credential, Presence
from holdfast.kernel.clock import Clock
from holdfast.kernel.crypto import digest, mac, same
from holdfast.kernel.engines import Link
from holdfast.kernel.errors import Unauthenticated
from holdfast.kernel.permissions import Actor, Permission, Unit
from holdfast.kernel.tenancy import enter_tenant
from holdfast.kernel.work import Work

BEARER = "bearer "
LONGEST = 4096
BREAK_GLASS, IMPERSONATE = "platform.break_glass.open", "identity.user.impersonate"

Grant = tuple[str, str | None, str | None, str]  # role, permissions of one's own, kind and id of the scope


@dataclass(frozen=True, slots=True)
class Held:
    """A role of a user: its name, the kind and id of the unit it is limited to, and its end."""

    role: str
    kind: str | None
    unit_id: UUID | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the credential's row says is there: enough to answer `auth/me` and to head a page.

    `user_id` is None, and so is what belongs to a user, for an operator with emergency access.
    """

    user_id: UUID | None
    email: str | None
    username: str | None
    name: str
    tenant_id: UUID
    slug: str
    organization: str
    kind: str = "token"
    second_factor: bool = False
    locale: str | None = None
    time_zone: str | None = None
    version: int | None = None
    # As the query gave them, one for each role: they are read where they are asked for.
    rows: Sequence[Sequence[Any]] = ()

    @property
    def held(self) -> list[Held]:
        """Return the roles of the user, by name."""
        found = sorted((CredentialRow(*row) for row in self.rows), key=lambda row: (row.role or "", str(row.scope_id)))
        return [
            Held(
                row.role,
                row.scope_kind,
                None if row.scope_kind is None else UUID(str(row.scope_id)),
                _moment(row.ends_at),
            )
            for row in found
            if row.role
        ]


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user's roles come to: their names, what holds everywhere, and what holds in which units."""

    roles: tuple[str, ...]
    permissions: frozenset[str]
    within: Mapping[str, frozenset[Unit]]

    def meeting(self, held: frozenset[str]) -> "Rights":
        """Return what is left of the rights where only these permissions may be used."""
        within = {name: units for name, units in self.within.items() if name in held}
        return Rights(self.roles, self.permissions & held, MappingProxyType(within))


class SessionAuthenticator:
    """Resolves cookies, access tokens and API keys to the session row they point at; fills the kernel's port."""

    def __init__(self, desk: Desk, permissions: Sequence[Permission], clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._ours = frozenset(each.name for each in permissions if not each.platform)
        self._all = frozenset(each.name for each in permissions)
        self._built_in = guards.table_of_roles(permissions)
        # Caches what a list of grants comes to, not authority: the list itself is read with every request.
        self._rights = functools.lru_cache(maxsize=1024)(self._read_rights)

    def read(self, authorization: str | None, cookie: str | None) -> Credential | None:
        """Return the session that a header or cookie points at; a bearer token wins over a cookie.

        Raises Unauthenticated for a header that is no bearer token of ours.
        """
        if authorization is None:
            address = Address.parse(cookie) if cookie else None
            return None if address is None else _pointing("cookie", address)
        if len(authorization) > LONGEST or not authorization[: len(BEARER)].lower() == BEARER:
            raise Unauthenticated("The Authorization header must be 'Bearer <access token or API key>'.")
        text = authorization[len(BEARER) :].strip()
        if text.startswith(KEY_PREFIX):
            key = parse_key(text)
            if key is None:
                raise Unauthenticated("The API key is not one: it was not copied whole.")
            return _pointing("api_key", key)
        found = self._desk.tokens.read(text, self._clock())
        if found is None:
            raise Unauthenticated("The access token is not valid or has expired.")
        return Credential("token", *found)

    async def resolve(self, link: Link, credential: Credential, now: datetime, ip: str | None) -> Presence | None:
        """Bind the link to the tenant and read the session's row: None unless session, user and tenant are good."""
        rows = await queries.list_credential_rows(
            link, tenant_id=credential.tenant_id, session_id=credential.session_id, now=now
        )
        if not rows:
            return None
        row = CredentialRow(*rows[0])
        # A session is good only in the form it was opened in: a token's row opens no cookie and the reverse.
        if row.kind != credential.kind:
            return None
        if credential.secret is not None and not same(digest(credential.secret), bytes(row.secret_hash)):
            return None
        if not all(_comes_from(networks, ip) for networks in (row.networks, row.key_networks) if networks is not None):
            return None
        rights = await self._rights_of(link, credential, row, rows, now)
        if rights is None:
            return None
        if row.kind in {"cookie", "api_key"}:
            self._desk.seen[credential.tenant_id, credential.session_id] = now
        return Presence(
            actor=self._actor(credential, row, rights),
            csrf_secret=mac(self._desk.keys.csrf, credential.session_id.bytes),
            profile=_profile(credential, row, rows),
        )

    async def stand_for(self, work: Work, *, user_id: UUID, session_id: UUID | None) -> Actor | None:
        """Return the user who asked for a job, with today's rights; None for one who may not act any more.

        What an API key or somebody in the user's place asked for is done only while that key or session is good, and
        with no more rights than it has.
        """
        session = None if session_id is None else await queries.find_session(work, session_id=session_id)
        if session_id is not None and session is None:
            return None
        if session is not None and (session.kind is SessionKind.API_KEY or session.impersonator_id is not None):
            credential = Credential(session.kind, work.tenant_id, session.id)
            rows = await queries.list_credential_rows(
                work.link, tenant_id=work.tenant_id, session_id=session.id, now=work.now()
            )
            row = CredentialRow(*rows[0]) if rows else None
            rights = None if row is None else await self._rights_of(work.link, credential, row, rows, work.now())
            if row is None or rights is None or UUID(str(row.user_id)) != user_id:
                return None
            return replace(self._actor(credential, row, rights), verified_at=None)
        standing = await queries.find_standing(work, user_id=user_id)
        if standing is None or not (standing.active and standing.organization_open and standing.employed):
            return None
        grants = tuple(
            (role, None if own is None else json.dumps(own), kind, str(unit_id))
            for role, own, kind, unit_id in await queries.list_grants(work, user_id=user_id)
        )
        held = self._rights(grants, work.tenant_id == self._desk.system_tenant)
        return Actor("user", user_id, session_id, roles=held.roles, permissions=held.permissions, within=held.within)

    async def _rights_of(
        self, link: Link, credential: Credential, row: CredentialRow, rows: Sequence[Sequence[Any]], now: datetime
    ) -> Rights | None:
        """Return what may be done with a good row, None where whoever stands behind it is not there any more."""
        if row.operator_id is not None:
            return await self._operators(link, credential, row, now)
        rights = self._rights(_grants(rows), credential.tenant_id == self._desk.system_tenant)
        if row.scopes is not None:
            rights = rights.meeting(frozenset(json.loads(row.scopes)))
        if row.impersonator_id is not None:
            parent = await self._parent(link, credential.tenant_id, row, row.impersonator_id, now)
            if parent is None or IMPERSONATE not in parent.permissions:
                return None
            rights = rights.meeting(parent.permissions)
        return rights

    async def _operators(self, link: Link, credential: Credential, row: CredentialRow, now: datetime) -> Rights | None:
        """Return an administrator's rights while the operator's own session and the emergency access are good."""
        system = self._desk.system_tenant
        parent = await self._parent(link, system, row, row.operator_id, now)
        open_ = await queries.is_glass_broken(link, tenant_id=system, session_id=credential.session_id, now=now)
        if parent is None or BREAK_GLASS not in parent.permissions or not open_:
            return None
        await enter_tenant(link, credential.tenant_id)
        return Rights((guards.ADMIN,), self._built_in[guards.ADMIN] & self._ours, MappingProxyType({}))

    async def _parent(
        self, link: Link, tenant_id: UUID, row: CredentialRow, user_id: object, now: datetime
    ) -> Rights | None:
        """Return the rights of who acts in another's place, None where their own session is not good any more."""
        parent_id = UUID(str(row.parent_id))
        rows = await queries.list_credential_rows(link, tenant_id=tenant_id, session_id=parent_id, now=now)
        if not rows or UUID(str(CredentialRow(*rows[0]).user_id)) != UUID(str(user_id)):
            return None
        return self._rights(_grants(rows), tenant_id == self._desk.system_tenant)

    def _actor(self, credential: Credential, row: CredentialRow, rights: Rights) -> Actor:
        operator = row.operator_id is not None
        return Actor(
            "operator" if operator else "user",
            UUID(str(row.operator_id if operator else row.user_id)),
            credential.session_id,
            impersonator=None if row.impersonator_id is None else UUID(str(row.impersonator_id)),
            roles=rights.roles,
            permissions=rights.permissions,
            within=rights.within,
            verified_at=_moment(row.verified_at),
        )

    def _read_rights(self, grants: tuple[Grant, ...], platform: bool) -> Rights:
        known = self._all if platform else self._ours
        everywhere: set[str] = set()
        within: dict[str, frozenset[Unit]] = {}
        for role, own, kind, unit in grants:
            names = known & (self._built_in.get(role, frozenset()) if own is None else frozenset(json.loads(own)))
            if kind is None:
                everywhere |= names
                continue
            for name in names:
                within[name] = within.get(name, frozenset()) | {(kind, UUID(unit))}
        limited = {name: units for name, units in within.items() if name not in everywhere}
        roles = tuple(sorted({grant[0] for grant in grants}))
        return Rights(roles, frozenset(everywhere), MappingProxyType(limited))


def _pointing(kind: str, address: Address) -> Credential:
    return Credential(kind, address.tenant_id, address.row_id, address.secret)


def _grants(rows: Sequence[Sequence[Any]]) -> tuple[Grant, ...]:
    found = (CredentialRow(*row) for row in rows)
    return tuple(
        (row.role, row.permissions, row.scope_kind, str(row.scope_id)) for row in found if row.role is not None
    )


def _profile(credential: Credential, row: CredentialRow, rows: Sequence[Sequence[Any]]) -> Profile:
    return Profile(
        None if row.user_id is None else UUID(str(row.user_id)),
        row.email,
        row.username,
        row.name or "Operator",
        credential.tenant_id,
        row.slug,
        row.organization,
        row.kind,
        bool(row.second_factor),
        row.locale,
        row.time_zone,
        row.version,
        rows,
    )


def _moment(value: Any) -> datetime | None:
    """Return a moment as the driver gave it: aware on PostgreSQL, naive on MariaDB, text on SQLite."""
    if value is None:
        return None
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _comes_from(networks: str, ip: str | None) -> bool:
    """Tell whether an address is in one of the networks of a JSON list (CIDR); nobody without an address is."""
    if ip is None:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in _networks(networks))


@functools.lru_cache(maxsize=1024)
def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in json.loads(text))
