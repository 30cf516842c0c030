"""The organisation's rules for signing in."""

from holdfast.core.identity.schemas import SignInPolicyIn, SignInPolicyOut
from holdfast.core.identity.service import sign_in_policy
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=sign_in_policy.get_policy)
async def get_sign_in_policy(work: WorkDep) -> SignInPolicyOut:
    """Return the organisation's rules for signing in; null leaves it to the installation."""
    return SignInPolicyOut.model_validate(await sign_in_policy.get_policy(work))


@router.put(verb=sign_in_policy.set_policy)
async def set_sign_in_policy(work: WorkDep, body: SignInPolicyIn, expected: IfMatch) -> SignInPolicyOut:
    """Set the organisation's rules for signing in: passwords, second factors, lengths of sessions, networks."""
    policy = await sign_in_policy.set_policy(work, values=body.model_dump(), expected=expected)
    await work.flush()
    return SignInPolicyOut.model_validate(policy)
