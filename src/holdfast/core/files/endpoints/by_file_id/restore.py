"""Taking a file out of the trash."""

from uuid import UUID

from holdfast.core.files.schemas import FileOut
from holdfast.core.files.service import files
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=files.restore_file)
async def restore_file(work: WorkDep, file_id: UUID, expected: IfMatch) -> FileOut:
    """Restore a deleted file."""
    return await files.restore_file(work, file_id=file_id, expected=expected)
