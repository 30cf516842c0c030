"""One branch."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.directory.schemas import BranchOut, BranchReplace, BranchUpdate, DeleteParameters
from holdfast.core.directory.service import branches
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=branches.read_branch)
async def read_branch(work: WorkDep, branch_id: UUID) -> BranchOut:
    """Show a branch."""
    return BranchOut.model_validate(await branches.read_branch(work, branch_id=branch_id))


@router.put(verb=branches.update_branch)
async def replace_branch(work: WorkDep, branch_id: UUID, body: BranchReplace, expected: IfMatch) -> BranchOut:
    """Replace all writable fields of a branch."""
    branch = await branches.update_branch(work, branch_id=branch_id, fields=body, expected=expected)
    return BranchOut.model_validate(branch)


@router.patch(verb=branches.update_branch)
async def update_branch(work: WorkDep, branch_id: UUID, body: BranchUpdate, expected: IfMatch) -> BranchOut:
    """Change some fields of a branch."""
    branch = await branches.update_branch(work, branch_id=branch_id, fields=body, expected=expected)
    return BranchOut.model_validate(branch)


@router.delete(verb=branches.delete_branch, status=204)
async def delete_branch(
    work: WorkDep, branch_id: UUID, expected: IfMatch, params: Annotated[DeleteParameters, Query()]
) -> None:
    """Put a branch into the trash; 409 with counts while it holds something, unless that goes with it."""
    await branches.delete_branch(work, branch_id=branch_id, expected=expected, cascade=params.cascade)
