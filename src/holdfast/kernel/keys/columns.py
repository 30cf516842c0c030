"""Fields that the database keeps but cannot read, and the table of the organisations' keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import SECRET, Base, Bytes, Str, TenantOwned, UtcDateTime


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """A value that only its organisation opens: `(await work.keyring()).open(Model.column, row.id, value)`."""

    raw: bytes


class Encrypted(TypeDecorator[Sealed]):
    """A column of sealed values, at most so many bytes, OVERHEAD more than is sealed; what is not sealed is refused."""

    impl = Bytes
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Return the sealed bytes; raise TypeError for what is plain."""
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("a value that is not sealed was given to an encrypted column")
        return None if value is None else value.raw

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:  # noqa: ARG002
        """Return the sealed value."""
        return None if value is None else Sealed(bytes(value))


class TenantKey(TenantOwned, Base):
    """A key of an organisation, wrapped by a master key; the one with the highest number seals."""

    __tablename__ = "tenant_key"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    number: Mapped[int]
    master_id: Mapped[str] = mapped_column(Str(16))
    # Empty once nothing is sealed with it any more.
    wrapped: Mapped[bytes | None] = mapped_column(Bytes(255), info=SECRET)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
