"""The OAuth2 password form, for the Authorize button of the API pages (RFC 6749, section 4.3)."""

from typing import Annotated

from fastapi import Form

from holdfast.core.identity.schemas import PasswordForm, Tokens
from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=sign_in.sign_in)
async def token(gate: GateDep, form: Annotated[PasswordForm, Form()]) -> Tokens:
    """Exchange a name and a password for tokens, as an OAuth2 client does.

    `username` takes an e-mail address or a user name; `organization/name` names the organisation too.
    """
    organization, slash, name = form.username.partition("/")
    opened = await sign_in.sign_in(
        gate,
        name=name if slash else form.username,
        password=form.password.get_secret_value(),
        organization=organization if slash else None,
    )
    return sign_in.tokens_of(opened, desk_of(gate.works))
