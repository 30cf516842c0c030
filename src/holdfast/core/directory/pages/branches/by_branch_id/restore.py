"""Restoring a deleted branch."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import restore_and_go
from holdfast.core.directory.pages.branches import KIND, branch_page
from holdfast.core.directory.service import branches
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.post(verb=branches.restore_branch, form=True)
async def restore_branch_by_form(request: Request, work: WorkDep, branch_id: UUID) -> Response:
    """Take the branch out of the trash and show it."""

    async def show(error: HoldfastError) -> Response:
        branch = await branches.read_branch(work, branch_id=branch_id, deleted=True)
        return await branch_page(request, work, branch, Form(), refused=error.detail, status=error.status)

    return await restore_and_go(request, work, KIND, branches.restore_branch(work, branch_id=branch_id), show)
