"""Deleting a department, after a question."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import DeleteForm, delete_and_go, question_page
from holdfast.core.directory.pages.departments import KIND
from holdfast.core.directory.service import departments
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=departments.delete_department)
async def ask_to_delete_department(request: Request, work: WorkDep, department_id: UUID) -> Response:
    """Ask before deleting."""
    return await question_page(
        request, work, KIND, await departments.read_department(work, department_id=department_id)
    )


@router.post(verb=departments.delete_department, form=True)
async def delete_department_by_form(request: Request, work: WorkDep, department_id: UUID) -> Response:
    """Put the department into the trash, with all that it holds where that was ticked."""

    async def delete(form: DeleteForm) -> None:
        await departments.delete_department(
            work, department_id=department_id, expected=form.version, cascade=form.cascade
        )

    department = await departments.read_department(work, department_id=department_id)
    return await delete_and_go(request, work, KIND, department, delete)
