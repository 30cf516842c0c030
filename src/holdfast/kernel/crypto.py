"""Keys derived from `SECRET_KEY`, and the few things done with them (HKDF, RFC 5869; HMAC, RFC 2104)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_der_public_key


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One 32-byte key a purpose, all from the installation's secret."""

    access: bytes
    csrf: bytes
    cursor: bytes
    names: bytes
    tokens: bytes
    flash: bytes
    mails: bytes
    access_id: str

    @classmethod
    def derive(cls, secret: str) -> "Keys":
        """Return the keys that belong to a secret."""
        purposes = ("access", "csrf", "cursor", "names", "tokens", "flash", "mails")
        made = {name: derive_key(secret.encode(), name) for name in purposes}
        return cls(**made, access_id=hashlib.sha256(made["access"]).hexdigest()[:12])


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return 32 bytes that depend on the secret and the purpose only."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast/" + purpose.encode()).derive(secret)


def new_secret() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(32)


def digest(secret: bytes) -> bytes:
    """Return the SHA-256 under which a random secret is stored."""
    return hashlib.sha256(secret).digest()


def mac(key: bytes, *parts: bytes) -> bytes:
    """Return the HMAC-SHA-256 of the parts, each with its length before it."""
    return hmac.digest(key, b"".join(len(part).to_bytes(4) + part for part in parts), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def p256_key(text: str) -> EllipticCurvePublicKey | None:
    """Return a public key of P-256: SubjectPublicKeyInfo (RFC 5480) in base64; None for anything else."""
    try:
        found = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, EllipticCurvePublicKey) and isinstance(found.curve, SECP256R1) else None


def encode(raw: bytes) -> str:
    """Return unpadded base64url text."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """Return the bytes of unpadded base64url text, or None where it is not exactly what `encode` writes."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError):
        return None
    return raw if encode(raw) == text else None
