"""Undoing an import of people."""

from uuid import UUID

from holdfast.core.directory.schemas.files import ImportOut
from holdfast.core.directory.service import undoing
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=undoing.undo_import)
async def undo_import(work: WorkDep, import_id: UUID, expected: IfMatch) -> ImportOut:
    """Undo an import: whom it changed are as before, whom it added go into the trash.

    All of it or nothing: 409 names the people who were changed after it, or counts what is led by people whom it added.
    """
    return ImportOut.model_validate(await undoing.undo_import(work, import_id=import_id, expected=expected))
