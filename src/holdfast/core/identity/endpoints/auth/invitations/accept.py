"""Accepting an invitation."""

from holdfast.core.identity.schemas import InvitationUse, Joined
from holdfast.core.identity.service import invitations
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=invitations.accept_invitation)
async def accept_invitation(gate: GateDep, body: InvitationUse) -> Joined:
    """Choose a password with the link of an invitation, which is good once; then sign in."""
    return await invitations.accept_invitation(
        gate, secret=body.token.get_secret_value(), password=body.password.get_secret_value()
    )
