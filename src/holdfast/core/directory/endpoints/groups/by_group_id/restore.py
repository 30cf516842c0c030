"""Taking a group out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas.groups import (
    GroupOut,
)
from holdfast.core.directory.service import groups
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=groups.restore_group)
async def restore_group(work: WorkDep, group_id: UUID, expected: IfMatch) -> GroupOut:
    """Restore a deleted group with those who were in it; 409 where its code was given to another meanwhile."""
    group = await groups.restore_group(work, group_id=group_id, expected=expected)
    return GroupOut.model_validate(group)
