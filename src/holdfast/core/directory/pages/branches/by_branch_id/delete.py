"""Deleting a branch, after a question."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import DeleteForm, delete_and_go, question_page
from holdfast.core.directory.pages.branches import KIND
from holdfast.core.directory.service import branches
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=branches.delete_branch)
async def ask_to_delete_branch(request: Request, work: WorkDep, branch_id: UUID) -> Response:
    """Ask before deleting."""
    return await question_page(request, work, KIND, await branches.read_branch(work, branch_id=branch_id))


@router.post(verb=branches.delete_branch, form=True)
async def delete_branch_by_form(request: Request, work: WorkDep, branch_id: UUID) -> Response:
    """Put the branch into the trash, with all that it holds where that was ticked."""

    async def delete(form: DeleteForm) -> None:
        await branches.delete_branch(work, branch_id=branch_id, expected=form.version, cascade=form.cascade)

    branch = await branches.read_branch(work, branch_id=branch_id)
    return await delete_and_go(request, work, KIND, branch, delete)
