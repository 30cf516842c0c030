"""Adding a branch."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Branch
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.branches import KIND, NewBranchForm, branch_page
from holdfast.core.directory.schemas import BranchCreate
from holdfast.core.directory.service import branches
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=branches.create_branch)
async def show_new_branch(request: Request, work: WorkDep) -> Response:
    """Show the empty form."""
    return await branch_page(
        request, work, None, Form.of(None, status="active", company_id=request.query_params.get("company_id"))
    )


@router.post(verb=branches.create_branch, form=True)
async def add_branch(request: Request, work: WorkDep) -> Response:
    """Add the branch and go to the list."""

    async def add(form: NewBranchForm) -> Branch:
        return await branches.create_branch(work, BranchCreate(**form.model_dump()))

    show = partial(branch_page, request, work, None)
    done = await take_form(request, work, KIND, NewBranchForm, right="create", act=add, show=show)
    if isinstance(done, Response):
        return done
    return redirect(request, KIND.path, flash=f"{done.name} was added.")
