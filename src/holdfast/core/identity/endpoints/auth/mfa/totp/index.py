"""One's authenticator."""

from holdfast.core.identity.schemas import TotpEnrolment
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=mfa.enrol_totp, prepare=take_turn)
async def enrol_totp(work: WorkDep) -> TotpEnrolment:
    """Make an authenticator known.

    The secret is shown once. Nothing is asked for before `auth/mfa/totp/confirm` has seen its first code.
    """
    return TotpEnrolment.model_validate(await mfa.enrol_totp(work))


@router.delete(verb=mfa.remove_totp, prepare=take_turn)
async def remove_totp(work: WorkDep) -> None:
    """Remove your authenticator and your recovery codes."""
    await mfa.remove_totp(work)
