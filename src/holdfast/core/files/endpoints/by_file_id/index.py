"""One file."""

from uuid import UUID

from holdfast.core.files.schemas import FileOut, FileUpdate
from holdfast.core.files.service import files
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=files.read_file)
async def read_file(work: WorkDep, file_id: UUID) -> FileOut:
    """Show a file."""
    return await files.read_file(work, file_id=file_id)


@router.patch(verb=files.update_file)
async def update_file(work: WorkDep, file_id: UUID, body: FileUpdate, expected: IfMatch) -> FileOut:
    """Rename a file, or make an earlier version the present one."""
    return await files.update_file(work, file_id=file_id, fields=body, expected=expected)


@router.delete(verb=files.delete_file, status=204)
async def delete_file(work: WorkDep, file_id: UUID, expected: IfMatch) -> None:
    """Put a file into the trash; its links lead nowhere from now on."""
    await files.delete_file(work, file_id=file_id, expected=expected)
