"""How an act becomes an entry: canonical core, salted commitments, leaf hash (RFC 6962, section 2.1)."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.audit.ledger.tree import leaf_hash
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.db import canonical
from holdfast.kernel.facts import Record
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import Actor
from holdfast.kernel.work import RequestInfo

PARTS = ("before", "after", "detail", "pii", "ctx")
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an entry that may be redacted one day: its bytes, and the salt of the commitment to them."""

    name: str
    salt: bytes
    data: bytes

    def commitment(self) -> str:
        """Return the hexadecimal SHA-256 that stands in the core; unguessable while the salt is unknown."""
        return hashlib.sha256(b"hf1" + self.name.encode() + self.salt + self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands among its writer's: the writer's epoch, its number, the numbers that never appear."""

    epoch: UUID
    seq: int
    voids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is inserted: the projection's columns, the core, its leaf hash, its parts."""

    id: UUID
    columns: dict[str, object]
    core: bytes
    leaf_hash: bytes
    parts: tuple[Part, ...]


def parts_of(record: Record, request: RequestInfo) -> tuple[Part, ...]:
    """Return the redactable parts of a record, each with a fresh salt."""
    found = {
        "before": record.before,
        "after": record.after,
        "detail": record.detail,
        "pii": _present({"ip": request.ip, "user_agent": request.user_agent}),
        "ctx": _present({"reason": record.reason, "method": request.method or None, "path": request.path or None}),
    }
    written = [(name, canonical(data)) for name, data in found.items() if data]
    salts = os.urandom(SALT_BYTES * len(written))
    return tuple(
        Part(name, salts[at * SALT_BYTES : (at + 1) * SALT_BYTES], data) for at, (name, data) in enumerate(written)
    )


def build_entry(
    record: Record, *, tenant_id: UUID, actor: Actor, request: RequestInfo, recorded_at: datetime, place: Place
) -> Entry:
    """Return the entry of a record: nothing personal in the core, 128 random bits so that no leaf can be guessed."""
    parts = parts_of(record, request)
    entry_id = new_id()
    shown = None if actor.impersonator is None else actor.id
    occurred_at = record.occurred_at or recorded_at
    recorded = rfc3339(recorded_at)
    occurred = recorded if occurred_at is recorded_at else rfc3339(occurred_at)
    columns: dict[str, object] = {
        "tenant_id": tenant_id,
        "id": entry_id,
        "log_id": tenant_id,
        "recorded_at": recorded_at,
        "occurred_at": occurred_at,
        "category": record.category,
        "severity": record.severity,
        "action": record.action,
        "outcome": record.outcome,
        "actor_type": actor.kind,
        "actor_id": actor.impersonator or actor.id,
        "on_behalf_of": shown,
        "entity_type": record.entity_type,
        "entity_id": record.entity_id,
        "entity_version": record.entity_version,
        "request_id": request.request_id,
        "session_id": actor.session_id,
        "writer_epoch": place.epoch,
        "writer_seq": place.seq,
    }
    core = canonical(
        {
            "v": 1,
            "id": str(entry_id),
            "log": str(tenant_id),
            "ts": recorded,
            "occ": occurred,
            "cat": record.category,
            "sev": record.severity,
            "act": record.action,
            "out": record.outcome,
            "actor": {"t": actor.kind, "id": _text(actor.impersonator or actor.id), "for": _text(shown)},
            "ent": {"t": record.entity_type, "id": _text(record.entity_id), "ver": record.entity_version},
            "rid": request.request_id,
            "sid": _text(actor.session_id),
            "w": [str(place.epoch), place.seq, list(place.voids)],
            "n": os.urandom(16).hex(),
            "p": {part.name: part.commitment() for part in parts},
        }
    )
    leaf = leaf_hash(core)
    return Entry(entry_id, {**columns, "core": core, "leaf_hash": leaf}, core, leaf, parts)


def _present(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
