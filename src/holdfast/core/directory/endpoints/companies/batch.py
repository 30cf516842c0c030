"""Several companies at once."""

from uuid import UUID

from holdfast.core.directory.schemas import CompanyCreate, CompanyOut, CompanyUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import Batch, BatchOut, Version
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


class CompanyChange(CompanyUpdate):
    """A company and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class CompanyBatch(Batch[CompanyCreate, CompanyChange]):
    """Several companies to add, to change and to delete."""


class CompanyBatchOut(BatchOut[CompanyOut]):
    """What was done, each in the order of the request."""


@router.post(verb=batches.batch_companies)
async def batch_companies(work: WorkDep, body: CompanyBatch) -> CompanyBatchOut:
    """Add, change and delete up to 500 companies: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].code`.
    """
    update = [batches.change_of(each, CompanyUpdate) for each in body.update]
    done = await batches.batch_companies(work, create=body.create, update=update, delete=body.delete)
    return CompanyBatchOut.model_validate(done)
