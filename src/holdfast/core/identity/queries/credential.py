"""The query that opens the door."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from holdfast.kernel.db import driver_value
from holdfast.kernel.engines import Link

# On PostgreSQL it is a function (migrations) that also binds the transaction to the tenant; here it is run on the
# driver, in its placeholders: now, tenant, session, and now again.
_CREDENTIAL = """
SELECT s.secret_hash, s.kind, u.id, u.email, u.username, u.name, t.slug, o.name, s.verified_at, s.second_factor,
       s.impersonator_id, s.operator_id, s.parent_id, s.scopes, s.networks, y.networks,
       r.role, c.permissions, r.scope_kind, r.scope_key, r.ends_at, u.locale, u.time_zone, u.version
FROM session s
JOIN tenant t ON t.id = s.tenant_id
JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
LEFT JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
LEFT JOIN person p ON p.tenant_id = u.tenant_id AND p.id = u.person_id
LEFT JOIN sign_in_policy y ON y.tenant_id = s.tenant_id AND y.id = s.tenant_id
LEFT JOIN role_assignment r ON r.tenant_id = s.tenant_id AND r.user_id = s.user_id
     AND (r.ends_at IS NULL OR r.ends_at > ?)
LEFT JOIN role c ON c.tenant_id = r.tenant_id AND c.id = r.role_id
WHERE s.tenant_id = ? AND s.id = ? AND s.revoked_at IS NULL
  AND s.expires_at > ? AND s.idle_expires_at > ? AND t.status = 'active'
  AND (s.operator_id IS NOT NULL OR (u.status = 'active' AND u.deleted_at IS NULL AND (u.person_id IS NULL
       OR (p.deleted_at IS NULL AND (p.access_ends_at IS NULL OR p.access_ends_at > ?)))))
"""
_BY_DIALECT = {
    "sqlite": _CREDENTIAL,
    "mysql": _CREDENTIAL.replace("?", "%s"),
    "postgresql": "SELECT * FROM holdfast_authenticate($1, $2, $3)",
}


_GLASS = """
SELECT 1 FROM break_glass b WHERE b.tenant_id = ? AND b.session_id = ? AND b.ended_at IS NULL AND b.expires_at > ?
"""
_GLASS_BY_DIALECT = {
    "sqlite": _GLASS,
    "mysql": _GLASS.replace("?", "%s"),
    "postgresql": _GLASS.replace("?", "${}").format(1, 2, 3),
}


class CredentialRow(NamedTuple):
    """What the credential query gives, once for each role of the user; JSON columns are still text."""

    secret_hash: bytes
    kind: str
    user_id: Any
    email: str | None
    username: str | None
    name: str | None
    slug: str
    organization: str
    verified_at: Any
    second_factor: Any
    impersonator_id: Any
    operator_id: Any
    parent_id: Any
    scopes: str | None
    key_networks: str | None
    networks: str | None
    role: str | None
    permissions: str | None
    scope_kind: str | None
    scope_id: Any
    ends_at: Any
    locale: str | None
    time_zone: str | None
    version: int | None


async def list_credential_rows(
    link: Link, *, tenant_id: UUID, session_id: UUID, now: datetime
) -> Sequence[Sequence[Any]]:
    """Return the rows of a good session with its user and organisation, none where any of the three may not be used.

    Each is to be read as `CredentialRow`.
    """
    if link.dialect == "postgresql":
        values: list[Any] = [tenant_id, session_id, now]
    else:
        values = [now, tenant_id, session_id, now, now, now]
    return await link.fetch(_BY_DIALECT[link.dialect], [driver_value(link.dialect, value) for value in values])


async def is_glass_broken(link: Link, *, tenant_id: UUID, session_id: UUID, now: datetime) -> bool:
    """Tell whether the emergency access of a session is still open; the link is bound to the operators' tenant."""
    values = [driver_value(link.dialect, value) for value in (tenant_id, session_id, now)]
    return bool(await link.fetch(_GLASS_BY_DIALECT[link.dialect], values))
