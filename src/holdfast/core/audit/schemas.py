"""What the trail shows."""

import enum
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from holdfast.kernel.schemas import Outward

Category = Literal["data", "access", "security", "system"]
Severity = Literal["info", "notice", "warning", "critical"]
Outcome = Literal["success", "refused", "failed"]
Values = Annotated[dict[str, JsonValue] | None, Field(examples=[{"name": "Northern Clinics Ltd"}])]


class ExportFormat(enum.StrEnum):
    """What an exported trail is written as."""

    JSONL = "jsonl"
    CSV = "csv"


class EntryBrief(Outward):
    """An entry as lists show it: who did what to which record when, and how it ended."""

    id: UUID
    recorded_at: Annotated[datetime, Field(description="The server's time.")]
    occurred_at: Annotated[datetime, Field(description="When it is said to have happened: imports, devices.")]
    category: Category
    severity: Severity
    action: str
    outcome: Outcome
    actor_type: str
    actor_id: UUID | None
    on_behalf_of: UUID | None
    entity_type: str | None
    entity_id: UUID | None
    entity_version: int | None
    request_id: str
    session_id: UUID | None


class EntryOut(EntryBrief):
    """An entry with what it says of the change: changed fields only, secrets and hashes never."""

    before: Values
    after: Values
    detail: Values
    reason: str | None
    ip: str | None
    user_agent: str | None
    method: str | None
    path: str | None
    redacted: Annotated[list[str], Field(description="Parts that were destroyed; their commitments remain.")]
    leaf_hash: Annotated[str, Field(description="SHA-256 of the entry as a leaf of its log, hexadecimal.")]


class NamedEntry(EntryOut):
    """An entry with the names that a page shows; `tone` is the colour of the outcome."""

    title: str
    tone: str
    actor_label: str
    on_behalf_label: str | None
    entity_kind: str | None
    entity_label: str | None
    entity_url: str | None


class EntryShown(Outward):
    """What an entry says of the change and besides, in words: labels instead of names, people instead of ids."""

    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    detail: dict[str, JsonValue]
    first_entry: UUID | None
    destroyed: list[str]
