"""Adding a department."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Department
from holdfast.core.directory.pages import take_form
from holdfast.core.directory.pages.departments import KIND, NewDepartmentForm, department_page, fields_of
from holdfast.core.directory.schemas import DepartmentCreate
from holdfast.core.directory.service import departments
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form

router = Routes()


@router.get(verb=departments.create_department)
async def show_new_department(request: Request, work: WorkDep) -> Response:
    """Show the empty form."""
    return await department_page(request, work, None, Form.of(None, place=request.query_params.get("place")))


@router.post(verb=departments.create_department, form=True)
async def add_department(request: Request, work: WorkDep) -> Response:
    """Add the department and go to the list."""

    async def add(form: NewDepartmentForm) -> Department:
        return await departments.create_department(work, DepartmentCreate(**await fields_of(work, form, None)))

    show = partial(department_page, request, work, None)
    done = await take_form(request, work, KIND, NewDepartmentForm, right="create", act=add, show=show)
    if isinstance(done, Response):
        return done
    return redirect(request, KIND.path, flash=f"{done.name} was added.")
