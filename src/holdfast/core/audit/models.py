"""Tables of the trail, shaped so that a Merkle tree can stand on them (C2SP tlog-tiles, RFC 6962)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, Uuid
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Bytes, InstallationOwned, Str, TenantOwned, UtcDateTime

Blob = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
# SQLite counts by itself only in a column spelled INTEGER.
Counter = BigInteger().with_variant(Integer(), "sqlite")


class AuditEntry(TenantOwned, Base):
    """One act; insert-only. `core` are the canonical bytes that the leaf hash is of, the columns a projection of it."""

    __tablename__ = "audit_entry"
    __parameter__ = "entry_id"
    __audited__ = False  # it is the trail
    __table_args__ = (
        Index("ix_audit_entry_recorded", "tenant_id", "recorded_at", "id"),
        Index("ix_audit_entry_entity", "tenant_id", "entity_type", "entity_id", "id"),
        Index("ix_audit_entry_actor", "tenant_id", "actor_id", "id"),
        Index("ix_audit_entry_action", "tenant_id", "action", "id"),
        Index("ix_audit_entry_request", "tenant_id", "request_id"),
        {"info": {"insert_only": True}},
    )

    log_id: Mapped[UUID] = mapped_column(Uuid)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    category: Mapped[str] = mapped_column(Str(20))
    severity: Mapped[str] = mapped_column(Str(20))
    action: Mapped[str] = mapped_column(Str(100))
    outcome: Mapped[str] = mapped_column(Str(20))
    actor_type: Mapped[str] = mapped_column(Str(20))
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    on_behalf_of: Mapped[UUID | None] = mapped_column(Uuid)
    entity_type: Mapped[str | None] = mapped_column(Str(63))
    entity_id: Mapped[UUID | None] = mapped_column(Uuid)
    entity_version: Mapped[int | None]
    request_id: Mapped[str] = mapped_column(Str(64))
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    writer_epoch: Mapped[UUID] = mapped_column(Uuid)
    writer_seq: Mapped[int] = mapped_column(BigInteger)
    core: Mapped[bytes] = mapped_column(Blob)
    leaf_hash: Mapped[bytes] = mapped_column(Bytes(32))


class AuditPart(TenantOwned, Base):
    """What of an entry may one day be redacted: `core` holds only a salted commitment to it.

    The id is the entry's; `part` is before, after, detail, pii (network address, user agent) or ctx (reason).
    """

    __tablename__ = "audit_part"
    __audited__ = False  # it is the trail
    __table_args__ = (
        Index("ix_audit_part_lookup", "tenant_id", "lookup", "id"),
        {"info": {"insert_only": True}},
    )

    part: Mapped[str] = mapped_column(Str(20), primary_key=True)
    # What the part can be found by: the network address. It goes with the data when the part is redacted.
    lookup: Mapped[str | None] = mapped_column(Str(64))
    salt: Mapped[bytes | None] = mapped_column(Bytes(16))
    data: Mapped[bytes | None] = mapped_column(Blob)
    redacted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redaction_entry_id: Mapped[UUID | None] = mapped_column(Uuid)


class RefusalCount(TenantOwned, Base):
    """How often the same refusal came again in one minute; becomes one entry with a count."""

    __tablename__ = "refusal_count"
    __audited__ = False  # it becomes an entry itself

    same: Mapped[bytes] = mapped_column(Bytes(32))
    minute: Mapped[int] = mapped_column(BigInteger)
    repeats: Mapped[int] = mapped_column(default=0)
    entry_id: Mapped[UUID] = mapped_column(Uuid)
    __table_args__ = (Index("ux_refusal_count_same", "tenant_id", "same", unique=True),)


class LedgerLog(InstallationOwned, Base):
    """One log: the row is mutex and fence of its sequencer. The id is the tenant's."""

    __tablename__ = "ledger_log"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    origin: Mapped[str] = mapped_column(Str(200), unique=True)
    epoch: Mapped[int] = mapped_column(SmallInteger, default=1)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    root: Mapped[bytes | None] = mapped_column(Bytes(32))
    min_index: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(Str(20), default="active")


class LedgerQueue(InstallationOwned, Base):
    """Entries that wait for their index; written with the entry, taken away by the sequencer."""

    __tablename__ = "ledger_queue"

    seq: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    log_id: Mapped[UUID] = mapped_column(Uuid)
    entry_id: Mapped[UUID] = mapped_column(Uuid)
    leaf_hash: Mapped[bytes] = mapped_column(Bytes(32))
