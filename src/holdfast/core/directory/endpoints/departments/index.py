"""The list of departments."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import DepartmentList
from holdfast.core.directory.schemas import DepartmentCreate, DepartmentOut
from holdfast.core.directory.service import departments
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=departments.list_departments, answers=Page[DepartmentOut])
async def list_departments(work: WorkDep, params: Annotated[DepartmentList, Query()]) -> Response:
    """List departments: search, filter, sort, page."""
    return json_bytes(await departments.list_departments(work, params))


@router.post(verb=departments.create_department, status=201)
async def create_department(work: WorkDep, body: DepartmentCreate) -> DepartmentOut:
    """Add a department; its code is unique in its company, whatever the case."""
    return DepartmentOut.model_validate(await departments.create_department(work, body))
