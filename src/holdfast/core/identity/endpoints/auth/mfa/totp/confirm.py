"""The first code of an authenticator."""

from holdfast.core.identity.schemas import RecoveryCodes, TotpCode
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=mfa.confirm_totp, prepare=take_turn)
async def confirm_totp(work: WorkDep, body: TotpCode) -> RecoveryCodes:
    """Switch the second factor on with the authenticator's code; the recovery codes are shown once."""
    return RecoveryCodes(recovery_codes=await mfa.confirm_totp(work, code=body.code))
