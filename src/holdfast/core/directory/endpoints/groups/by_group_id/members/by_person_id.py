"""One person in a group."""

from uuid import UUID

from holdfast.core.directory.service import groups
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.delete(verb=groups.remove_member, status=204)
async def remove_member(work: WorkDep, group_id: UUID, person_id: UUID) -> None:
    """Take a person out of a group; that they were in it stays known."""
    await groups.remove_member(work, group_id=group_id, person_id=person_id)
