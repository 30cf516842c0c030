"""Events of SendGrid."""

from typing import Annotated

from fastapi import Header
from starlette.requests import Request

from holdfast.core.notify.service import events
from holdfast.kernel.http import GateDep, Routes

router = Routes()
_EVENT = {"type": "object", "required": ["event"], "properties": {"event": {"type": "string"}}}
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"type": "array", "maxItems": 10_000, "items": _EVENT}}},
}


@router.post(verb=events.take_events, body=_BODY)
async def take_sendgrid_events(
    request: Request,
    gate: GateDep,
    signature: Annotated[str, Header(alias="X-Twilio-Email-Event-Webhook-Signature", max_length=500)] = "",
    timestamp: Annotated[str, Header(alias="X-Twilio-Email-Event-Webhook-Timestamp", max_length=20)] = "",
) -> None:
    """Take what SendGrid tells of mails: bounces, drops and complaints; there only where SENDGRID_WEBHOOK_KEY is set.

    The body is signed with the timestamp before it, and taken within ten minutes. The same event counts once.
    """
    await events.take_events(gate, body=await request.body(), timestamp=timestamp, signature=signature)
