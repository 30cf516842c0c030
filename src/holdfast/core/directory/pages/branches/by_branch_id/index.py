"""One branch: its form, or its particulars for those who may not change it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Branch
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.branches import KIND, BranchForm, branch_page
from holdfast.core.directory.schemas import BranchOut, BranchReplace
from holdfast.core.directory.service import branches
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=branches.read_branch)
async def show_branch(request: Request, work: WorkDep, branch_id: UUID) -> Response:
    """Show a branch."""
    branch = await branches.read_branch(work, branch_id=branch_id, deleted=True)
    return await branch_page(request, work, branch, Form.of(BranchOut.model_validate(branch)))


@router.post(verb=branches.update_branch, form=True)
async def save_branch(request: Request, work: WorkDep, branch_id: UUID) -> Response:
    """Save the form; where somebody else saved meanwhile, show both."""

    async def save(form: BranchForm) -> Branch:
        fields = BranchReplace(**form.model_dump(exclude={"version"}))
        return await branches.update_branch(work, branch_id=branch_id, fields=fields, expected=form.version)

    async def show(form: Form, *, conflict: bool = False, status: int = 200) -> Response:
        branch = await branches.read_branch(work, branch_id=branch_id, deleted=True)
        return await branch_page(request, work, branch, form, conflict=conflict, status=status)

    done = await take_form(request, work, KIND, BranchForm, right="update", act=save, show=show)
    return done if isinstance(done, Response) else redirect(request, KIND.path, flash=f"{done.name} was saved.")
