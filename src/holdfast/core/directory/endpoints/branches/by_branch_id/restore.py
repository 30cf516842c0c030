"""Taking a branch out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import BranchOut
from holdfast.core.directory.service import branches
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=branches.restore_branch)
async def restore_branch(work: WorkDep, branch_id: UUID, expected: IfMatch) -> BranchOut:
    """Restore a deleted branch and all that went with it; 409 where a code was given to another meanwhile."""
    branch = await branches.restore_branch(work, branch_id=branch_id, expected=expected)
    return BranchOut.model_validate(branch)
