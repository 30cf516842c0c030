"""Taking a department out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import DepartmentOut
from holdfast.core.directory.service import departments
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=departments.restore_department)
async def restore_department(work: WorkDep, department_id: UUID, expected: IfMatch) -> DepartmentOut:
    """Restore a deleted department and all that went with it; 409 where a code was given to another meanwhile."""
    department = await departments.restore_department(work, department_id=department_id, expected=expected)
    return DepartmentOut.model_validate(department)
