"""Pages of departments."""

from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import Department
from holdfast.core.directory.pages import Kind, TypedCode, Version, form_page, person_meant, told
from holdfast.core.directory.pages.placing import Place, place_of, placed, places
from holdfast.core.directory.schemas import DepartmentOut, Name
from holdfast.core.directory.service import trees
from holdfast.kernel.pages.forms import Form
from holdfast.kernel.schemas import Inward, OneLine
from holdfast.kernel.work import Work

KIND = Kind(
    "department", "departments", DepartmentOut, {"code": "Code", "name": "Name", "place": "Part of", "head": "Head"}
)


class NewDepartmentForm(Inward):
    """What the form for a new department sends: where it belongs as one choice, its head as people are called."""

    code: TypedCode
    name: Name
    place: Place
    head: Annotated[OneLine | None, Field(max_length=250)] = None


class DepartmentForm(NewDepartmentForm):
    """What the form of a department sends: the fields, and the version that they were made from."""

    version: Version


async def fields_of(work: Work, form: NewDepartmentForm, department: Department | None) -> dict[str, Any]:
    """Return the fields of a department that a form sets."""
    head = await person_meant(work, KIND, department, "head", form.head)
    return {"code": form.code, "name": form.name, "head_person_id": head, **placed(form.place, "parent_id")}


async def form_of(work: Work, department: Department) -> Form:
    """Return the form that shows a department."""
    shown = await told(work, KIND, department)
    return Form.of({**shown, "place": place_of(department, "parent_id"), "version": department.version})


async def department_page(
    request: Request,
    work: Work,
    department: Department | None,
    form: Form,
    *,
    conflict: bool = False,
    refused: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a department, or of a new one, with the places to choose from."""
    tree = await trees.browse_tree(work)
    return await form_page(
        request,
        work,
        KIND,
        department,
        form,
        conflict=conflict,
        refused=refused,
        status=status,
        tree=tree,
        places=places(tree, but=None if department is None else str(department.id)),
    )
