"""Every statement on the trail's tables."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import exists, func, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from holdfast.core.audit.errors import EntryNotFound
from holdfast.core.audit.models import AuditEntry, AuditPart, LedgerQueue, RefusalCount
from holdfast.core.audit.schemas import Category, EntryBrief, Outcome, Severity
from holdfast.kernel.db import TenantOwned
from holdfast.kernel.engines.inserts import insert_rows
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Inward, Moment
from holdfast.kernel.work import Work

Rows = list[dict[str, Any]]
VALUES = 500


class EntryExport(Inward):
    """Filters of the trail."""

    actor_id: UUID | None = None
    action: Annotated[str | None, Field(max_length=100, examples=["directory.company.updated"])] = None
    category: Category | None = None
    severity: Severity | None = None
    outcome: Outcome | None = None
    entity_type: Annotated[str | None, Field(max_length=63)] = None
    entity_id: UUID | None = None
    ip: Annotated[str | None, Field(max_length=45, description="Exact network address.")] = None
    request_id: Annotated[str | None, Field(max_length=64)] = None
    recorded_from: Moment | None = None
    recorded_to: Annotated[Moment | None, Field(description="Not included.")] = None


class EntryList(EntryExport, ListParameters):
    """The same for a list; `q` searches action, entity type and request id."""


class HistoryPaging(Inward):
    """Paging of a record's history, newest first."""

    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=4096, description="`next_cursor` of the page before.")] = None


_BRIEF = {name: getattr(AuditEntry, name) for name in EntryBrief.model_fields}
_ENTRY, _PART, _QUEUE = (
    AuditEntry.metadata.tables[model.__tablename__] for model in (AuditEntry, AuditPart, LedgerQueue)
)
_SORTS = {"recorded_at": AuditEntry.recorded_at}

ENTRIES = HotList(
    "audit.entries",
    AuditEntry,
    columns=_BRIEF,
    sorts=_SORTS,
    default_sort="-recorded_at",
    filters={
        "actor_id": lambda value: AuditEntry.actor_id == value,
        "action": lambda value: AuditEntry.action == value,
        "category": lambda value: AuditEntry.category == value,
        "severity": lambda value: AuditEntry.severity == value,
        "outcome": lambda value: AuditEntry.outcome == value,
        "entity_type": lambda value: AuditEntry.entity_type == value,
        "entity_id": lambda value: AuditEntry.entity_id == value,
        "ip": lambda value: exists().where(
            AuditPart.tenant_id == AuditEntry.tenant_id,
            AuditPart.id == AuditEntry.id,
            AuditPart.part == "pii",
            AuditPart.lookup == value,
        ),
        "request_id": lambda value: AuditEntry.request_id == value,
        "recorded_from": lambda value: AuditEntry.recorded_at >= value,
        "recorded_to": lambda value: AuditEntry.recorded_at < value,
    },
    search=(AuditEntry.action, AuditEntry.entity_type, AuditEntry.request_id),
)


async def insert_entries(work: Work, entries: Rows, parts: Rows, queue: Rows) -> None:
    """Insert entries, their parts and their places in the queue, in this transaction."""
    await insert_rows(work.link, [(_ENTRY, entries), (_PART, parts), (_QUEUE, queue)])


async def get_entry(work: Work, *, entry_id: UUID) -> AuditEntry:
    """Return one entry; raise EntryNotFound."""
    found = await work.session.scalar(select(AuditEntry).where(AuditEntry.id == entry_id))
    if found is None:
        raise EntryNotFound
    return found


async def list_entries_by_id(work: Work, *, entry_ids: Sequence[UUID]) -> Sequence[AuditEntry]:
    """Return the entries with these ids, in one query."""
    return (await work.session.scalars(select(AuditEntry).where(AuditEntry.id.in_(entry_ids)))).all()


async def list_parts(work: Work, *, entry_ids: Sequence[UUID]) -> Sequence[AuditPart]:
    """Return the parts of the entries, in one query."""
    return (await work.session.scalars(select(AuditPart).where(AuditPart.id.in_(entry_ids)))).all()


async def list_rows(
    work: Work, model: type[TenantOwned], *, columns: Sequence[str], ids: Sequence[UUID]
) -> Sequence[Sequence[Any]]:
    """Return id and columns of the rows of any table, those in the trash too, in one query."""
    wanted = [getattr(model, name) for name in columns]
    return (await work.session.execute(select(model.id, *wanted).where(model.id.in_(ids)))).all()


async def list_newest_values(work: Work, *, refs: Collection[tuple[str, UUID]]) -> Sequence[Sequence[Any]]:
    """Return table, id and values of the newest entries of these records, newest first."""
    statement = (
        select(AuditEntry.entity_type, AuditEntry.entity_id, AuditPart.data)
        .join(AuditPart, (AuditPart.tenant_id == AuditEntry.tenant_id) & (AuditPart.id == AuditEntry.id))
        .where(
            AuditEntry.entity_type.in_({table for table, _ in refs}),
            AuditEntry.entity_id.in_({row_id for _, row_id in refs}),
            AuditPart.part.in_(("after", "before")),
            AuditPart.data.is_not(None),
        )
        .order_by(AuditEntry.id.desc(), AuditPart.part)
        .limit(VALUES)
    )
    return (await work.session.execute(statement)).all()


async def find_refusal(work: Work, *, same: bytes) -> RefusalCount | None:
    """Return the count of a refusal, locked."""
    statement = select(RefusalCount).where(RefusalCount.same == same).with_for_update()
    found: RefusalCount | None = await work.session.scalar(statement)
    return found


async def claim_refusal(work: Work, *, same: bytes, minute: int, entry_id: UUID) -> tuple[RefusalCount, bool]:
    """Return the locked count of a refusal and whether it is new: one of many that come at once makes it."""
    known = await find_refusal(work, same=same)
    if known is not None:
        return known, False
    row = {"tenant_id": work.tenant_id, "id": work.new_id(), "same": same, "minute": minute, "repeats": 0}
    row["entry_id"] = entry_id
    await work.link.connection.execute(_INSERT_UNLESS_THERE[work.link.dialect].values(row))
    known = await find_refusal(work, same=same)
    assert known is not None
    return known, known.id == row["id"]


# A conflict is waited for and leaves the transaction whole; on MySQL the update that changes nothing takes the one lock
# that does not deadlock with the next.
_INSERT_UNLESS_THERE = {
    "postgresql": postgresql.insert(RefusalCount).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(RefusalCount).on_conflict_do_nothing(),
    "mysql": mysql.insert(RefusalCount).on_duplicate_key_update(same=RefusalCount.same),
}


async def list_repeated_refusals(work: Work, *, before_minute: int) -> Sequence[RefusalCount]:
    """Return the counts whose minute is over and that came more than once, locked."""
    statement = (
        select(RefusalCount).where(RefusalCount.minute < before_minute, RefusalCount.repeats > 0).with_for_update()
    )
    return (await work.session.scalars(statement)).all()


async def count_open_refusals(work: Work) -> int:
    """Return how many refusals of this tenant still have repeats to be told of."""
    statement = select(func.count()).select_from(RefusalCount).where(RefusalCount.repeats > 0)
    return (await work.session.scalar(statement)) or 0
