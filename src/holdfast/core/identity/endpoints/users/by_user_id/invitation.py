"""Inviting a user anew."""

from uuid import UUID

from holdfast.core.identity.service import invitations
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.post(verb=invitations.send_invitation)
async def send_invitation(work: WorkDep, user_id: UUID, expected: IfMatch) -> None:
    """Send an invited user a new link to choose a password; the earlier one is dead."""
    await invitations.send_invitation(work, user_id=user_id, expected=expected)
