"""Several branches at once."""

from uuid import UUID

from holdfast.core.directory.schemas import BranchCreate, BranchOut, BranchUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import Batch, BatchOut, Version
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


class BranchChange(BranchUpdate):
    """A branch and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class BranchBatch(Batch[BranchCreate, BranchChange]):
    """Several branches to add, to change and to delete."""


class BranchBatchOut(BatchOut[BranchOut]):
    """What was done, each in the order of the request."""


@router.post(verb=batches.batch_branches)
async def batch_branches(work: WorkDep, body: BranchBatch) -> BranchBatchOut:
    """Add, change and delete up to 500 branches: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].code`.
    """
    update = [batches.change_of(each, BranchUpdate) for each in body.update]
    done = await batches.batch_branches(work, create=body.create, update=update, delete=body.delete)
    return BranchBatchOut.model_validate(done)
