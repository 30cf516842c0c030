"""Several departments at once."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from holdfast.core.directory.schemas import DepartmentCreate, DepartmentOut, DepartmentUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import MOST, Batch, Version
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Outward

router = Routes()


class DepartmentChange(DepartmentUpdate):
    """A department and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class DepartmentBatch(Batch):
    """Several departments to add, to change and to delete."""

    create: Annotated[list[DepartmentCreate], Field(default_factory=list, max_length=MOST)]
    update: Annotated[list[DepartmentChange], Field(default_factory=list, max_length=MOST)]


class DepartmentBatchOut(Outward):
    """What was done, each in the order of the request."""

    created: list[DepartmentOut]
    updated: list[DepartmentOut]
    deleted: list[UUID]


@router.post(verb=batches.batch_departments)
async def batch_departments(work: WorkDep, body: DepartmentBatch) -> DepartmentBatchOut:
    """Add, change and delete up to 500 departments: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].code`.
    """
    update = [batches.change_of(each, DepartmentUpdate) for each in body.update]
    done = await batches.batch_departments(work, create=body.create, update=update, delete=body.delete)
    return DepartmentBatchOut(
        created=[DepartmentOut.model_validate(each) for each in done.created],
        updated=[DepartmentOut.model_validate(each) for each in done.updated],
        deleted=body.delete,
    )
