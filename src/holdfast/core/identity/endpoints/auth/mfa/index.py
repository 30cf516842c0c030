"""One's second factor."""

from holdfast.core.identity.schemas import MfaOut
from holdfast.core.identity.service import mfa
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=mfa.read_mfa)
async def read_mfa(work: WorkDep) -> MfaOut:
    """Tell whether you have a second factor, and how many recovery codes are left."""
    return MfaOut.model_validate(await mfa.read_mfa(work))
