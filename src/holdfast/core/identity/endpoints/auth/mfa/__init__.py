"""Endpoints of identity."""

from starlette.requests import Request

from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.errors import Invalid
from holdfast.kernel.work import Gate


async def counted(request: Request, gate: Gate) -> None:
    """Count a sensitive attempt of the caller; refuse an Idempotency-Key, which would keep an answer with secrets."""
    if "idempotency-key" in request.headers:
        raise Invalid.field("header.Idempotency-Key", "unsupported", "is not taken here: what is made is shown once")
    await desk_of(gate.works).take_turn(gate, account=str(gate.actor.id))
