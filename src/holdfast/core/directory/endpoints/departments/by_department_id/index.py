"""One department."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.directory.schemas import DeleteParameters, DepartmentOut, DepartmentReplace, DepartmentUpdate
from holdfast.core.directory.service import departments
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=departments.read_department)
async def read_department(work: WorkDep, department_id: UUID) -> DepartmentOut:
    """Show a department."""
    return DepartmentOut.model_validate(await departments.read_department(work, department_id=department_id))


@router.put(verb=departments.update_department)
async def replace_department(
    work: WorkDep, department_id: UUID, body: DepartmentReplace, expected: IfMatch
) -> DepartmentOut:
    """Replace all writable fields of a department."""
    department = await departments.update_department(work, department_id=department_id, fields=body, expected=expected)
    return DepartmentOut.model_validate(department)


@router.patch(verb=departments.update_department)
async def update_department(
    work: WorkDep, department_id: UUID, body: DepartmentUpdate, expected: IfMatch
) -> DepartmentOut:
    """Change some fields of a department."""
    department = await departments.update_department(work, department_id=department_id, fields=body, expected=expected)
    return DepartmentOut.model_validate(department)


@router.delete(verb=departments.delete_department, status=204)
async def delete_department(
    work: WorkDep, department_id: UUID, expected: IfMatch, params: Annotated[DeleteParameters, Query()]
) -> None:
    """Put a department into the trash; 409 with counts while it holds something, unless that goes with it."""
    await departments.delete_department(work, department_id=department_id, expected=expected, cascade=params.cascade)
