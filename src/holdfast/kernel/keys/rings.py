"""The keys of one organisation, and what they do: seal, open, and find by equality."""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from holdfast.kernel.crypto import mac, new_secret
from holdfast.kernel.errors import Unavailable
from holdfast.kernel.keys.columns import Sealed, TenantKey
from holdfast.kernel.keys.masters import Masters

VERSION = b"\x02"
NUMBER_BYTES = 4
NONCE_BYTES = 12
HEAD = len(VERSION) + NUMBER_BYTES
OVERHEAD = HEAD + NONCE_BYTES + 16  # bytes that sealing adds


class SealBroken(RuntimeError):
    """Sealed bytes are not what was sealed for this place with this organisation's key; a defect, or an attack."""


class KeysEnded(RuntimeError):
    """The keys of an organisation were removed with its data."""


@dataclass(frozen=True, slots=True, repr=False)
class TenantSecret:
    """What one row of `tenant_key` wraps: a key to seal with, and one for equality, which all of a tenant share."""

    data: bytes
    index: bytes

    @classmethod
    def read(cls, raw: bytes) -> "TenantSecret":
        """Return the two keys of the bytes that `raw` gave."""
        return cls(raw[:32], raw[32:])

    @classmethod
    def fresh(cls, index: bytes | None = None) -> "TenantSecret":
        """Return a new key to seal with, and a new one for equality unless it is given."""
        return cls(new_secret(), index or new_secret())

    @property
    def raw(self) -> bytes:
        """Return the 64 bytes that are wrapped."""
        return self.data + self.index


class Keyring:
    """The keys of one organisation as one unit of work sees them (AES-256-GCM, NIST SP 800-38D; HMAC, RFC 2104).

    While they are `held`, none of them ends.
    """

    def __init__(self, tenant_id: UUID, secrets: Mapping[int, TenantSecret], *, held: bool = False) -> None:
        self.held = held
        self._tenant_id = tenant_id
        self._secrets = secrets
        self.number = max(secrets)

    def seal(self, column: InstrumentedAttribute[Any] | Column[Any], row_id: UUID, plain: bytes | str) -> Sealed:
        """Return what only `open` for the same table, column, organisation and row gives back."""
        raw = plain.encode() if isinstance(plain, str) else plain
        head, nonce = head_of(self.number), os.urandom(NONCE_BYTES)
        place = self._place(column, row_id, head)
        return Sealed(head + nonce + AESGCM(self._secrets[self.number].data).encrypt(nonce, raw, place))

    def open(self, column: InstrumentedAttribute[Any] | Column[Any], row_id: UUID, sealed: Sealed) -> bytes:
        """Return what was sealed for this place; raise SealBroken for anything else.

        Raises Unavailable where the value was sealed anew since it was read, and the key it had has ended.
        """
        head, rest = sealed.raw[:HEAD], sealed.raw[HEAD:]
        number = int.from_bytes(head[len(VERSION) :])
        secret = self._secrets.get(number)
        where = f"a sealed value of {_column(column)}"
        if head[: len(VERSION)] != VERSION or (secret is None and not 0 < number < self.number):
            raise SealBroken(f"{where} was not sealed with a key of its organisation")
        if secret is None:
            raise Unavailable("The keys were changed at the same moment. Try again.")
        try:
            return AESGCM(secret.data).decrypt(
                rest[:NONCE_BYTES], rest[NONCE_BYTES:], self._place(column, row_id, head)
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{where} cannot be opened") from error

    def blind(self, column: InstrumentedAttribute[Any] | Column[Any], text: str) -> bytes:
        """Return 32 bytes by which a sealed value is found by equality: the same for equal text, telling nothing of it.

        Give it `folded` text where case and blanks do not count. It outlives the rotation of keys.
        """
        return mac(self._secrets[self.number].index, _column(column).encode(), self._tenant_id.bytes, text.encode())

    def _place(self, column: InstrumentedAttribute[Any] | Column[Any], row_id: UUID, head: bytes) -> bytes:
        return _column(column).encode() + b"\0" + self._tenant_id.bytes + row_id.bytes + head


async def load_keyring(session: AsyncSession, masters: Masters, *, hold: bool) -> Keyring:
    """Return the keys of the session's organisation; with `hold` none of them ends before the transaction does.

    Raises MasterKeyMissing, and KeysEnded where nothing can be sealed or opened any more.
    """
    statement = select(TenantKey.tenant_id, TenantKey.id, TenantKey.number, TenantKey.master_id, TenantKey.wrapped)
    statement = statement.where(TenantKey.wrapped.is_not(None)).order_by(TenantKey.number)
    rows = (await session.execute(statement.with_for_update(read=True, key_share=True) if hold else statement)).all()
    if not rows:
        raise KeysEnded("the organisation has no keys any more")
    found = {
        row.number: TenantSecret.read(
            masters.unwrap(row.wrapped, row.master_id, tenant_id=row.tenant_id, row_id=row.id)
        )
        for row in rows
    }
    return Keyring(rows[0].tenant_id, found, held=hold)


def head_of(number: int) -> bytes:
    """Return how values begin that were sealed with the key of this number."""
    return VERSION + number.to_bytes(NUMBER_BYTES)


@functools.cache
def _column(column: InstrumentedAttribute[Any] | Column[Any]) -> str:
    found = column if isinstance(column, Column) else inspect(column).property.columns[0]
    return f"{found.table.name}.{found.name}"
