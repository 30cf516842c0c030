"""Signing in with a name and a password."""

from starlette.responses import Response

from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.schemas import CookieSession, SignIn, Tokens, UserBrief
from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.http import GateDep, Routes, reply

router = Routes()


@router.post(verb=sign_in.sign_in, answers=Tokens | CookieSession)
async def login(gate: GateDep, body: SignIn) -> Response:
    """Sign in.

    Unknown names, wrong passwords, suspended users and names known in several organisations get the same 401.
    """
    kind = SessionKind(body.session)
    opened = await sign_in.sign_in(
        gate,
        name=body.email or body.username or "",
        password=body.password.get_secret_value(),
        organization=body.organization,
        kind=kind,
    )
    desk = desk_of(gate.works)
    user = UserBrief.model_validate(opened.user)
    if kind is SessionKind.TOKEN:
        return reply(sign_in.tokens_of(opened, desk), 200)
    response = reply(CookieSession(user=user, csrf_token=desk.csrf_token(opened.session.id)), 200)
    response.headers.append("Set-Cookie", desk.cookie.carrying(opened.cookie))
    return response
