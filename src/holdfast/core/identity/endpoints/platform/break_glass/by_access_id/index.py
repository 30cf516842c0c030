"""One emergency access."""

from uuid import UUID

from holdfast.core.identity.schemas import BreakGlassOut
from holdfast.core.identity.service import break_glass
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=break_glass.read_break_glass)
async def get_break_glass(work: WorkDep, access_id: UUID) -> BreakGlassOut:
    """Return an emergency access; that you looked is in the trail."""
    return BreakGlassOut.model_validate(await break_glass.read_break_glass(work, access_id=access_id))


@router.delete(verb=break_glass.end_break_glass)
async def end_break_glass(work: WorkDep, access_id: UUID) -> None:
    """End an emergency access; it is refused from the next request on."""
    await break_glass.end_break_glass(work, access_id=access_id)
