"""The OAuth2 password form, for the Authorize button of the API pages (RFC 6749, section 4.3)."""

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from holdfast.core.identity.endpoints.auth import signed_in, waiting
from holdfast.core.identity.schemas import MfaRequired, PasswordForm, Tokens
from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.challenges import Waiting
from holdfast.kernel.http import GateDep, Routes, reply

router = Routes()


@router.post(verb=sign_in.sign_in, answers=Tokens | MfaRequired)
async def token(gate: GateDep, form: Annotated[PasswordForm, Form()]) -> Response:
    """Exchange a name and a password for tokens, as an OAuth2 client does.

    `username` takes an e-mail address or a user name; `organization/name` names the organisation too. OAuth2 knows no
    second factor in this form: where one is asked for, the answer is that of `auth/login`, without tokens.
    """
    organization, slash, name = form.username.partition("/")
    opened = await sign_in.sign_in(
        gate,
        name=name if slash else form.username,
        password=form.password.get_secret_value(),
        organization=organization if slash else None,
    )
    return reply(waiting(opened), 200) if isinstance(opened, Waiting) else signed_in(gate, opened)
