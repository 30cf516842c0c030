"""The three forms in which a session is carried: access JWT (RFC 9068), refresh token, cookie."""

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from holdfast.kernel.crypto import Keys, decode, encode
from holdfast.kernel.ids import parse_id

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "holdfast"
REFRESH_PREFIX = "hfr_"


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a credential points: a row inside a tenant, and the secret that must match it."""

    tenant_id: UUID
    row_id: UUID
    secret: bytes

    def text(self) -> str:
        """Return it as opaque text of 86 characters."""
        return encode(self.tenant_id.bytes + self.row_id.bytes + self.secret)

    @classmethod
    def parse(cls, text: str) -> "Address | None":
        """Return the address in opaque text, None where it is not one."""
        raw = decode(text) if len(text) == 86 else None
        return None if raw is None else cls(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


class AccessTokens:
    """Signs and reads access tokens with the key derived from `SECRET_KEY`."""

    def __init__(self, keys: Keys, *, minutes: int) -> None:
        self._key = OctKey.import_key(keys.access)
        self._key_id = keys.access_id
        self.seconds = minutes * 60
        # Remembers that a signature is good, which it stays, and no more: whether the token has expired is asked with
        # each request, and so is its session's row. A bad token raises and is not remembered.
        self._verified = functools.lru_cache(maxsize=4096)(self._verify)

    def issue(self, *, tenant_id: UUID, user_id: UUID, session_id: UUID, now: datetime) -> str:
        """Return a signed token that names tenant, user and session; it lives `seconds`."""
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(user_id),
            "tid": str(tenant_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "iat": issued,
            "exp": issued + self.seconds,
        }
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": self._key_id}, claims, self._key)

    def read(self, token: str, now: datetime) -> tuple[UUID, UUID] | None:
        """Return tenant and session of a token that is ours and not expired, else None."""
        try:
            tenant_id, session_id, expires = self._verified(token)
        except (JoseError, ValueError, UnicodeError):
            return None
        return None if expires <= now.timestamp() else (tenant_id, session_id)

    def _verify(self, token: str) -> tuple[UUID, UUID, int]:
        """Return tenant, session and end of a token that is ours; raise ValueError or JoseError for any other."""
        found = jwt.decode(token, self._key, algorithms=[ALGORITHM])
        header, claims = found.header, found.claims
        ours = header.get("typ") == TYPE and header.get("kid") == self._key_id
        expires = claims.get("exp")
        if not ours or claims.get("aud") != ISSUER or claims.get("iss") != ISSUER or not isinstance(expires, int):
            raise ValueError("not an access token of ours")
        tenant_id, session_id = parse_id(str(claims.get("tid"))), parse_id(str(claims.get("sid")))
        if tenant_id is None or session_id is None:
            raise ValueError("an access token without tenant or session")
        return tenant_id, session_id, expires


def after(now: datetime, *, minutes: int = 0, hours: int = 0, days: int = 0) -> datetime:
    """Return a later moment."""
    return now + timedelta(minutes=minutes, hours=hours, days=days)
