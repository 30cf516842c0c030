"""One address that is not written to."""

from uuid import UUID

from holdfast.core.notify.schemas import SuppressionOut
from holdfast.core.notify.service import suppressions
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=suppressions.read_suppression)
async def read_suppression(work: WorkDep, suppression_id: UUID) -> SuppressionOut:
    """Return one address that is not written to, and why."""
    return await suppressions.read_suppression(work, suppression_id=suppression_id)


@router.delete(verb=suppressions.lift_suppression)
async def lift_suppression(work: WorkDep, suppression_id: UUID) -> None:
    """Let an address be written to again: after its owner said that it works."""
    await suppressions.lift_suppression(work, suppression_id=suppression_id)
