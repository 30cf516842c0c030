"""Removing a deleted file for good."""

from uuid import UUID

from holdfast.core.files.service import files
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=files.purge_file, status=204)
async def purge_file(work: WorkDep, file_id: UUID, expected: IfMatch) -> None:
    """Remove a file in the trash for good, with its versions, its links, and what no other file has of its content."""
    await files.purge_file(work, file_id=file_id, expected=expected)
