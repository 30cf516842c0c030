"""One import of people."""

from uuid import UUID

from holdfast.core.directory.schemas.files import ImportOut
from holdfast.core.directory.service import undoing
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=undoing.read_import)
async def read_import(work: WorkDep, import_id: UUID) -> ImportOut:
    """Show an import: its file, what it did, and whether it was undone."""
    return ImportOut.model_validate(await undoing.read_import(work, import_id=import_id))
