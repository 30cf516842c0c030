"""The second step of signing in."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.endpoints.auth import signed_in
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.schemas import SecondFactor, VerifiedCookie, VerifiedTokens
from holdfast.core.identity.service import challenges
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.devices import cookie_name
from holdfast.core.identity.service.factors import Shown
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=challenges.verify, answers=VerifiedTokens | VerifiedCookie)
async def verify(request: Request, gate: GateDep, body: SecondFactor) -> Response:
    """Finish a sign-in that waits for the second factor.

    A wrong code is a 401 `CODE_REFUSED`; the sixth one ends the sign-in, `SIGN_IN_OVER`.
    """
    recovery = body.recovery_code
    verified = await challenges.verify(
        gate,
        token=body.mfa_token.get_secret_value(),
        shown=Shown(body.code, None if recovery is None else recovery.get_secret_value()),
        kind=None if body.session is None else SessionKind(body.session),
        device=request.cookies.get(cookie_name(desk_of(gate.works).cookie)),
    )
    return signed_in(gate, verified.opened, recovery_codes=verified.recovery_codes)
