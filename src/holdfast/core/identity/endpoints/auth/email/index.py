"""Changing one's own address."""

from holdfast.core.identity.schemas import LinkSent, OwnEmail
from holdfast.core.identity.service import own_email
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=own_email.ask_for_email, prepare=take_turn, status=202)
async def ask_for_email(work: WorkDep, body: OwnEmail) -> LinkSent:
    """Ask for another address: a link is sent to it, and until that is used yours stays."""
    await own_email.ask_for_email(work, email=body.email)
    return LinkSent(message="A link is on its way to the address; yours stays until it is used.")
