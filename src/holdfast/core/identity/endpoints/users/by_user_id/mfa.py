"""A user's second factor."""

from uuid import UUID

from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.delete(verb=mfa.reset_mfa, prepare=take_turn)
async def reset_mfa(work: WorkDep, user_id: UUID) -> None:
    """Remove the second factor of a user who lost it; make sure first that it is that person who asks."""
    await mfa.reset_mfa(work, user_id=user_id)
