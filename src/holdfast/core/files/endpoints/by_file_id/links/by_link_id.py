"""One link to a file."""

from uuid import UUID

from holdfast.core.files.service import links
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.delete(verb=links.revoke_link, status=204)
async def revoke_link(work: WorkDep, file_id: UUID, link_id: UUID) -> None:
    """Revoke a link: it leads nowhere from now on."""
    await links.revoke_link(work, file_id=file_id, link_id=link_id)
