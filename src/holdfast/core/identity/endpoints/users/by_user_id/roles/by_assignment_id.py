"""One role of a user."""

from uuid import UUID

from holdfast.core.identity.schemas import AssignmentOut, AssignmentUpdate
from holdfast.core.identity.service import assignments
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=assignments.read_assignment)
async def read_assignment(work: WorkDep, user_id: UUID, assignment_id: UUID) -> AssignmentOut:
    """Show a role of a user, held or not any more."""
    found = await assignments.read_assignment(work, user_id=user_id, assignment_id=assignment_id)
    return AssignmentOut.model_validate(found)


@router.patch(verb=assignments.change_end)
async def change_end(work: WorkDep, user_id: UUID, assignment_id: UUID, body: AssignmentUpdate) -> AssignmentOut:
    """Set when a role of a user is to end."""
    held = await assignments.change_end(work, user_id=user_id, assignment_id=assignment_id, fields=body)
    return AssignmentOut.model_validate(held)


@router.delete(verb=assignments.end_assignment, status=204)
async def end_assignment(work: WorkDep, user_id: UUID, assignment_id: UUID) -> None:
    """Take a role away; it counts no more from the next request on."""
    await assignments.end_assignment(work, user_id=user_id, assignment_id=assignment_id)
