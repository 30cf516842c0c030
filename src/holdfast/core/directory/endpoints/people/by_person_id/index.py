"""One person."""

from uuid import UUID

from holdfast.core.directory.schemas import PersonOut, PersonReplace, PersonUpdate
from holdfast.core.directory.service import people
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=people.read_person)
async def read_person(work: WorkDep, person_id: UUID) -> PersonOut:
    """Show a person."""
    return PersonOut.model_validate(await people.read_person(work, person_id=person_id))


@router.put(verb=people.update_person)
async def replace_person(work: WorkDep, person_id: UUID, body: PersonReplace, expected: IfMatch) -> PersonOut:
    """Replace all writable fields of a person."""
    person = await people.update_person(work, person_id=person_id, fields=body, expected=expected)
    return PersonOut.model_validate(person)


@router.patch(verb=people.update_person)
async def update_person(work: WorkDep, person_id: UUID, body: PersonUpdate, expected: IfMatch) -> PersonOut:
    """Change some fields of a person."""
    person = await people.update_person(work, person_id=person_id, fields=body, expected=expected)
    return PersonOut.model_validate(person)


@router.delete(verb=people.delete_person, status=204)
async def delete_person(work: WorkDep, person_id: UUID, expected: IfMatch) -> None:
    """Put a person into the trash; 409 with counts while people or departments are led by them."""
    await people.delete_person(work, person_id=person_id, expected=expected)
