"""Taking a person out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import PersonOut
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=people.restore_person)
async def restore_person(work: WorkDep, person_id: UUID) -> PersonOut:
    """Restore a deleted person; 409 where the number was given to another meanwhile."""
    return PersonOut.model_validate(await people.restore_person(work, person_id=person_id))
