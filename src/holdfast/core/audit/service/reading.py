"""Reading the trail."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from holdfast.core.audit import queries
from holdfast.core.audit.errors import HistoryNotFound
from holdfast.core.audit.models import AuditEntry, AuditPart
from holdfast.core.audit.schemas import EntryBrief, EntryOut, NamedEntry
from holdfast.core.audit.service.naming import named
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("audit.entry.read", sensitive=True)
async def list_entries(work: Work, params: queries.EntryList) -> bytes:
    """Return one page of the trail as JSON, newest first."""
    return await queries.ENTRIES.page(work, params)


@verb("audit.entry.read", sensitive=True)
async def read_entry(work: Work, *, entry_id: UUID) -> EntryOut:
    """Return one entry with what it says of the change; raise EntryNotFound."""
    entry = await queries.get_entry(work, entry_id=entry_id)
    return _whole(entry, await queries.list_parts(work, entry_ids=[entry_id]))


@verb("audit.entry.read", sensitive=True)
async def read_history(
    work: Work, *, entity_type: str, entity_id: UUID, params: queries.HistoryPaging
) -> tuple[list[EntryOut], dict[str, Any]]:
    """Return one page of what happened to a record, newest first, each with before and after.

    Raises HistoryNotFound for a record of which the trail tells nothing.
    """
    wanted = queries.EntryList(
        entity_type=entity_type, entity_id=entity_id, cursor=params.cursor, page_size=params.page_size
    )
    entries, meta = await browse_entries(work, wanted)
    if not entries and params.cursor is None:
        raise HistoryNotFound
    return entries, meta


@verb("audit.entry.read", sensitive=True)
async def browse_entries(work: Work, params: queries.EntryList) -> tuple[list[EntryOut], dict[str, Any]]:
    """Return one page of the trail with what each entry says of the change, in three queries."""
    rows, meta = await queries.ENTRIES.rows_and_meta(work, params)
    return await entries_of(work, [UUID(str(row["id"])) for row in rows]), meta


# lint: allow verb – a step of verbs that read the trail
async def entries_of(work: Work, ids: Sequence[UUID]) -> list[EntryOut]:
    """Return the entries with these ids in this order, with what each says of the change, in two queries."""
    entries = {entry.id: entry for entry in await queries.list_entries_by_id(work, entry_ids=ids)}
    parts: dict[UUID, list[AuditPart]] = {entry_id: [] for entry_id in ids}
    for part in await queries.list_parts(work, entry_ids=ids):
        parts[part.id].append(part)
    return [_whole(entries[entry_id], parts[entry_id]) for entry_id in ids]


# lint: allow verb – asks the verb below it
async def recent_entries(work: Work, *, count: int) -> list[NamedEntry]:
    """Return the newest entries with their names; for who may read the trail."""
    entries, _ = await browse_entries(work, queries.EntryList(page_size=count))
    return await named(work, entries)


def _whole(entry: AuditEntry, parts: Sequence[AuditPart]) -> EntryOut:
    """Return an entry with its parts; a redacted one is named and shows nothing."""
    data: dict[str, Any] = {part.part: orjson.loads(part.data) for part in parts if part.data is not None}
    context, personal = data.get("ctx", {}), data.get("pii", {})
    return EntryOut(
        **EntryBrief.model_validate(entry).model_dump(),
        before=data.get("before"),
        after=data.get("after"),
        detail=data.get("detail"),
        reason=context.get("reason"),
        ip=personal.get("ip"),
        user_agent=personal.get("user_agent"),
        method=context.get("method"),
        path=context.get("path"),
        redacted=sorted(part.part for part in parts if part.data is None),
        leaf_hash=entry.leaf_hash.hex(),
    )
