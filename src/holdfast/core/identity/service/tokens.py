"""The three forms in which a session is carried: access JWT (RFC 9068), refresh token, cookie."""

import functools
import json
import string
import zlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from holdfast.kernel.crypto import Keys, decode, encode
from holdfast.kernel.ids import parse_id

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "holdfast"
CLAIMS = frozenset({"iss", "aud", "sub", "tid", "sid", "jti", "iat", "exp"})
REFRESH_PREFIX = "hfr_"
KEY_PREFIX = "hf_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


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


def key_text(address: Address, label: str) -> str:
    """Return an API key, `hf_<label>_<id><secret><checksum>` in letters and digits, so that a scanner can tell one."""
    body = _base62(address.tenant_id.bytes + address.row_id.bytes, 43) + _base62(address.secret, 43)
    head = f"{KEY_PREFIX}{label}_"
    return head + body + _base62(zlib.crc32((head + body).encode()).to_bytes(4), 6)


def parse_key(text: str) -> Address | None:
    """Return the address in an API key, None for a text that is none or was not copied whole."""
    head, _, tail = text.rpartition("_")
    body, checksum = tail[:-6], tail[-6:]
    if len(body) != 86 or not tail.isascii() or not tail.isalnum():
        return None
    if _base62(zlib.crc32(f"{head}_{body}".encode()).to_bytes(4), 6) != checksum:
        return None
    ids, secret = _from_base62(body[:43]), _from_base62(body[43:])
    return None if ids is None or secret is None else Address(UUID(bytes=ids[:16]), UUID(bytes=ids[16:]), secret)


def _base62(raw: bytes, width: int) -> str:
    number, digits = int.from_bytes(raw), ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def _from_base62(text: str) -> bytes | None:
    number = functools.reduce(lambda found, character: found * 62 + _DIGITS.index(character), text, 0)
    return number.to_bytes(32) if number < 1 << 256 else None


class AccessTokens:
    """Signs and reads access tokens with the key derived from `SECRET_KEY`."""

    def __init__(self, keys: Keys, *, minutes: int) -> None:
        self._key = OctKey.import_key(keys.access)
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.access_id}
        self.seconds = minutes * 60
        # Remembers that a signature is good, which it stays, and no more: whether the token has expired is asked with
        # each request, and so is its session's row. A bad token raises and is not remembered.
        self._verified = functools.lru_cache(maxsize=4096)(self._verify)

    def issue(
        self, *, tenant_id: UUID, user_id: UUID, session_id: UUID, now: datetime, until: datetime | None = None
    ) -> str:
        """Return a signed token that names tenant, user and session; it lives `seconds`, or `until` a moment."""
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(user_id),
            "tid": str(tenant_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "iat": issued,
            "exp": issued + self.seconds if until is None else int(until.timestamp()),
        }
        return jwt.encode(dict(self._header), claims, self._key)

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
        # What `issue` writes and nothing else: no header that names a key, no claim twice, none that nobody looks at.
        written = encode(json.dumps(claims, separators=(",", ":")).encode()) == token.split(".")[1]
        ours = header == self._header and claims.keys() == CLAIMS and written
        expires = claims.get("exp")
        if not ours or claims.get("aud") != ISSUER or claims.get("iss") != ISSUER or not isinstance(expires, int):
            raise ValueError("not an access token of ours")
        tenant_id, session_id = parse_id(str(claims.get("tid"))), parse_id(str(claims.get("sid")))
        if tenant_id is None or session_id is None:
            raise ValueError("an access token without tenant or session")
        return tenant_id, session_id, expires
