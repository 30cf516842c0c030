"""Several branches at once."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from holdfast.core.directory.schemas import BranchCreate, BranchOut, BranchUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import MOST, Batch, Version
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Outward

router = Routes()


class BranchChange(BranchUpdate):
    """A branch and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class BranchBatch(Batch):
    """Several branches to add, to change and to delete."""

    create: Annotated[list[BranchCreate], Field(default_factory=list, max_length=MOST)]
    update: Annotated[list[BranchChange], Field(default_factory=list, max_length=MOST)]


class BranchBatchOut(Outward):
    """What was done, each in the order of the request."""

    created: list[BranchOut]
    updated: list[BranchOut]
    deleted: list[UUID]


@router.post(verb=batches.batch_branches)
async def batch_branches(work: WorkDep, body: BranchBatch) -> BranchBatchOut:
    """Add, change and delete up to 500 branches: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].code`.
    """
    update = [batches.change_of(each, BranchUpdate) for each in body.update]
    done = await batches.batch_branches(work, create=body.create, update=update, delete=body.delete)
    return BranchBatchOut(
        created=[BranchOut.model_validate(each) for each in done.created],
        updated=[BranchOut.model_validate(each) for each in done.updated],
        deleted=body.delete,
    )
