"""What happened to a record."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from holdfast.core.audit.queries import HistoryPaging
from holdfast.core.audit.schemas import EntryOut
from holdfast.core.audit.service import reading
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Meta, Page

router = Routes()


@router.get(verb=reading.read_history)
async def read_history(
    work: WorkDep,
    entity_type: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$")],
    entity_id: UUID,
    params: Annotated[HistoryPaging, Query()],
) -> Page[EntryOut]:
    """List what happened to a record, newest first, each with before and after."""
    entries, meta = await reading.read_history(work, entity_type=entity_type, entity_id=entity_id, params=params)
    return Page[EntryOut](data=entries, meta=Meta.model_validate(meta))
