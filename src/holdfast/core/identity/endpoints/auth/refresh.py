"""Renewing tokens."""

from holdfast.core.identity.schemas import Refresh, Tokens
from holdfast.core.identity.service import refreshing
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.opening import tokens_of
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=refreshing.refresh)
async def refresh(gate: GateDep, body: Refresh) -> Tokens:
    """Exchange a refresh token for new tokens; it can be used once, a second use ends the session."""
    opened = await refreshing.refresh(gate, refresh_token=body.refresh_token.get_secret_value())
    return tokens_of(opened, desk_of(gate.works))
