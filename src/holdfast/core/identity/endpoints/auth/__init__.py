"""Endpoints of identity."""

from starlette.responses import Response

from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.schemas import MfaRequired, TotpEnrolment, VerifiedCookie, VerifiedTokens
from holdfast.core.identity.service.challenges import VALID, Waiting
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.opening import Opened, cookie_session_of, cookies_of, tokens_of
from holdfast.kernel.http import reply
from holdfast.kernel.work import Gate


def waiting(found: Waiting) -> MfaRequired:
    """Return what is answered to a right password where a second factor is asked for too."""
    return MfaRequired.model_validate(
        {
            "mfa_token": found.token,
            "expires_in": int(VALID.total_seconds()),
            "methods": list(found.methods),
            "enrolment": None if found.enrolment is None else TotpEnrolment.model_validate(found.enrolment),
        }
    )


def signed_in(gate: Gate, opened: Opened, *, recovery_codes: tuple[str, ...] | None = None) -> Response:
    """Return tokens, or the cookies of a browser; with `recovery_codes` those beside them."""
    desk = desk_of(gate.works)
    browser = opened.session.kind is SessionKind.COOKIE
    told = cookie_session_of(opened, desk) if browser else tokens_of(opened, desk)
    if recovery_codes is not None:
        kind = VerifiedCookie if browser else VerifiedTokens
        told = kind.model_validate({**told.model_dump(), "recovery_codes": list(recovery_codes)})
    response = reply(told, 200)
    for cookie in cookies_of(opened, desk) if browser else ():
        response.headers.append("Set-Cookie", cookie)
    return response
