"""Confirming a new address."""

from holdfast.core.identity.schemas import LinkUse, UserBrief
from holdfast.core.identity.service import own_email
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=own_email.confirm_email)
async def confirm_email(gate: GateDep, body: LinkUse) -> UserBrief:
    """Confirm a new address with the link that was sent to it; the old one is told."""
    return await own_email.confirm_email(gate, secret=body.token.get_secret_value())
