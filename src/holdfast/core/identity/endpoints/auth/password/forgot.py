"""A forgotten password."""

from holdfast.core.identity.schemas import Forgotten, LinkSent
from holdfast.core.identity.service import password_reset
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=password_reset.forgot_password, status=202)
async def forgot_password(gate: GateDep, body: Forgotten) -> LinkSent:
    """Send a link for a new password to the user with this address.

    The answer is the same where there is none. The link is good once, for thirty minutes.
    """
    await password_reset.forgot_password(gate, email=body.email, organization=body.organization)
    return LinkSent(message="If there is such an account, a link is on its way to its address.")
