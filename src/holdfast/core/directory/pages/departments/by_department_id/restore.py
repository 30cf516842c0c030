"""Restoring a deleted department."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages import restore_and_go
from holdfast.core.directory.pages.departments import KIND, department_page
from holdfast.core.directory.service import departments
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.post(verb=departments.restore_department, form=True)
async def restore_department_by_form(request: Request, work: WorkDep, department_id: UUID) -> Response:
    """Take the department out of the trash and show it."""

    async def show(error: HoldfastError) -> Response:
        department = await departments.read_department(work, department_id=department_id, deleted=True)
        return await department_page(request, work, department, Form(), refused=error.detail, status=error.status)

    return await restore_and_go(
        request, work, KIND, departments.restore_department(work, department_id=department_id), show
    )
