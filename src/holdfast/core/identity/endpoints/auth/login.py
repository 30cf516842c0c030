"""Signing in with a name and a password."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.endpoints.auth import signed_in, waiting
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.schemas import CookieSession, MfaRequired, SignIn, Tokens
from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.challenges import Waiting
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.devices import cookie_name
from holdfast.kernel.http import GateDep, Routes, reply

router = Routes()


@router.post(verb=sign_in.sign_in, answers=Tokens | CookieSession | MfaRequired)
async def login(request: Request, gate: GateDep, body: SignIn) -> Response:
    """Sign in.

    Where a second factor is asked for, the answer has `mfa_required` and what `auth/mfa/verify` needs. Unknown names,
    wrong passwords, suspended users and names known in several organisations get the same 401.
    """
    opened = await sign_in.sign_in(
        gate,
        name=body.email or body.username or "",
        password=body.password.get_secret_value(),
        organization=body.organization,
        kind=SessionKind(body.session),
        device=request.cookies.get(cookie_name(desk_of(gate.works).cookie)),
    )
    return reply(waiting(opened), 200) if isinstance(opened, Waiting) else signed_in(gate, opened)
