"""Fields that the database keeps but cannot read: AES-256-GCM, bound to table, tenant and row (NIST SP 800-38D)."""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
VERSION = b"\x01"


class SealBroken(RuntimeError):
    """Sealed bytes are not what was sealed for this row with this installation's key; always a defect or an attack."""


def seal(key: bytes, plain: bytes, *, table: str, tenant_id: UUID, row_id: UUID) -> bytes:
    """Return bytes that only `unseal` with the same key and place gives back; 29 longer than what is sealed."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _place(table, tenant_id, row_id))


def unseal(key: bytes, sealed: bytes, *, table: str, tenant_id: UUID, row_id: UUID) -> bytes:
    """Return what was sealed for this place; raise SealBroken for anything else."""
    nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, _place(table, tenant_id, row_id))
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"a sealed field of {table} cannot be opened") from error


def _place(table: str, tenant_id: UUID, row_id: UUID) -> bytes:
    return table.encode() + b"\0" + tenant_id.bytes + row_id.bytes
