"""One entry."""

from uuid import UUID

from holdfast.core.audit.schemas import EntryOut
from holdfast.core.audit.service import reading
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=reading.read_entry)
async def read_entry(work: WorkDep, entry_id: UUID) -> EntryOut:
    """Show an entry with before and after."""
    return await reading.read_entry(work, entry_id=entry_id)
