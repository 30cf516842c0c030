"""One department: its form, or its particulars for those who may not change it."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Department
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.departments import KIND, DepartmentForm, department_page, fields_of, form_of
from holdfast.core.directory.schemas import DepartmentUpdate
from holdfast.core.directory.service import departments
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=departments.read_department)
async def show_department(request: Request, work: WorkDep, department_id: UUID) -> Response:
    """Show a department."""
    department = await departments.read_department(work, department_id=department_id, deleted=True)
    return await department_page(request, work, department, await form_of(work, department))


@router.post(verb=departments.update_department, form=True)
async def save_department(request: Request, work: WorkDep, department_id: UUID) -> Response:
    """Save the form; where somebody else saved meanwhile, show both."""

    async def save(form: DepartmentForm) -> Department:
        department = await departments.read_department(work, department_id=department_id)
        fields = DepartmentUpdate(**await fields_of(work, form, department))
        return await departments.update_department(
            work, department_id=department_id, fields=fields, expected=form.version
        )

    async def show(form: Form, *, conflict: bool = False, status: int = 200) -> Response:
        department = await departments.read_department(work, department_id=department_id, deleted=True)
        return await department_page(request, work, department, form, conflict=conflict, status=status)

    done = await take_form(request, work, KIND, DepartmentForm, right="update", act=save, show=show)
    return done if isinstance(done, Response) else redirect(request, KIND.path, flash=f"{done.name} was saved.")
