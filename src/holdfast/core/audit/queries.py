"""Every statement on the trail's tables."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from holdfast.core.audit.errors import EntryNotFound
from holdfast.core.audit.models import AuditEntry, AuditPart, LedgerQueue, RefusalCount
from holdfast.kernel.work import Work

Rows = list[dict[str, Any]]


async def insert_entries(work: Work, entries: Rows, parts: Rows, queue: Rows) -> None:
    """Insert entries, their parts and their places in the queue, in this transaction."""
    connection = work.link.connection
    await connection.execute(insert(AuditEntry), entries)
    if parts:
        await connection.execute(insert(AuditPart), parts)
    await connection.execute(insert(LedgerQueue), queue)


async def get_entry(work: Work, *, entry_id: UUID) -> AuditEntry:
    """Return one entry; raise EntryNotFound."""
    found = await work.session.scalar(select(AuditEntry).where(AuditEntry.id == entry_id))
    if found is None:
        raise EntryNotFound
    return found


async def list_parts(work: Work, *, entry_ids: Sequence[UUID]) -> Sequence[AuditPart]:
    """Return the parts of the entries, in one query."""
    return (await work.session.scalars(select(AuditPart).where(AuditPart.id.in_(entry_ids)))).all()


async def find_refusal(work: Work, *, same: bytes) -> RefusalCount | None:
    """Return the count of a refusal, locked."""
    statement = select(RefusalCount).where(RefusalCount.same == same).with_for_update()
    found: RefusalCount | None = await work.session.scalar(statement)
    return found


async def list_repeated_refusals(work: Work, *, before_minute: int) -> Sequence[RefusalCount]:
    """Return the counts whose minute is over and that came more than once, locked."""
    statement = (
        select(RefusalCount).where(RefusalCount.minute < before_minute, RefusalCount.repeats > 0).with_for_update()
    )
    return (await work.session.scalars(statement)).all()
