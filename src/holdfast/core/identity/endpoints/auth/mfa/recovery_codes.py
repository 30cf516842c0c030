"""One's recovery codes."""

from holdfast.core.identity.schemas import RecoveryCodes
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=mfa.renew_recovery_codes, prepare=take_turn)
async def renew_recovery_codes(work: WorkDep) -> RecoveryCodes:
    """Make ten new recovery codes, which are shown once; the old ones end."""
    return RecoveryCodes(recovery_codes=await mfa.renew_recovery_codes(work))
