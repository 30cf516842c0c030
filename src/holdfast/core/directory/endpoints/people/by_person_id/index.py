"""One person."""

from uuid import UUID

from holdfast.core.directory.schemas import PersonOut
from holdfast.core.directory.service import people
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=people.read_person)
async def read_person(work: WorkDep, person_id: UUID) -> PersonOut:
    """Show a person."""
    return PersonOut.model_validate(await people.read_person(work, person_id=person_id))
