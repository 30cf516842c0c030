"""Several departments at once."""

from uuid import UUID

from holdfast.core.directory.schemas import DepartmentCreate, DepartmentOut, DepartmentUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import Batch, BatchOut, Version
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


class DepartmentChange(DepartmentUpdate):
    """A department and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class DepartmentBatch(Batch[DepartmentCreate, DepartmentChange]):
    """Several departments to add, to change and to delete."""


class DepartmentBatchOut(BatchOut[DepartmentOut]):
    """What was done, each in the order of the request."""


@router.post(verb=batches.batch_departments)
async def batch_departments(work: WorkDep, body: DepartmentBatch) -> DepartmentBatchOut:
    """Add, change and delete up to 500 departments: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].code`.
    """
    update = [batches.change_of(each, DepartmentUpdate) for each in body.update]
    done = await batches.batch_departments(work, create=body.create, update=update, delete=body.delete)
    return DepartmentBatchOut.model_validate(done)
