"""Taking a person out of the trash."""

from uuid import UUID

from holdfast.core.directory.schemas import PersonOut
from holdfast.core.directory.service import people
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=people.restore_person)
async def restore_person(work: WorkDep, person_id: UUID, expected: IfMatch) -> PersonOut:
    """Restore a deleted person; 409 where the number was given to another meanwhile."""
    person = await people.restore_person(work, person_id=person_id, expected=expected)
    return PersonOut.model_validate(person)
