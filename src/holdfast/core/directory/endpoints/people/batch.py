"""Several people at once."""

from uuid import UUID

from holdfast.core.directory.schemas import PersonCreate, PersonOut, PersonUpdate
from holdfast.core.directory.service import batches
from holdfast.core.directory.service.batches import Batch, BatchOut, Version
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


class PersonChange(PersonUpdate):
    """A person and its fields to change; what is left out stays."""

    id: UUID
    version: Version = None


class PersonBatch(Batch[PersonCreate, PersonChange]):
    """Several people to add, to change and to delete."""


class PersonBatchOut(BatchOut[PersonOut]):
    """What was done, each in the order of the request."""


@router.post(verb=batches.batch_people)
async def batch_people(work: WorkDep, body: PersonBatch) -> PersonBatchOut:
    """Add, change and delete up to 500 people: all of it or, where anything is wrong, nothing.

    First what is changed, then what is deleted, then what is added: a code that goes can come back. It takes the right
    to each kind of change that is asked for. A fault names its place, such as `body.update[3].number`.
    """
    update = [batches.change_of(each, PersonUpdate) for each in body.update]
    done = await batches.batch_people(work, create=body.create, update=update, delete=body.delete)
    return PersonBatchOut.model_validate(done)
