"""Events that a mail provider sends: SendGrid's signed event webhook.

What it signs is the timestamp and the body as it came (ECDSA, P-256, SHA-256). A replay within the time changes
nothing: word of a message is written down once.
"""

import base64
from collections.abc import Iterator
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import ValidationError

from holdfast.core.notify.errors import EventsRefused
from holdfast.core.notify.guards import NO_STATUS, status_in
from holdfast.core.notify.schemas import MailEvent, MailEvents
from holdfast.core.notify.service.message_keys import message_keys_in
from holdfast.core.notify.service.reports import Return, without_addresses
from holdfast.core.notify.service.returns import take_return
from holdfast.kernel.crypto import Keys, p256_key
from holdfast.kernel.errors import FieldError, Invalid, NotFound
from holdfast.kernel.facts import Record
from holdfast.kernel.permissions import ANONYMOUS, verb
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Gate

OLDEST = timedelta(minutes=10)
# Why SendGrid drops a mail for an address that it will not write to itself.
DEAD, UNWANTED = ("bounced address", "invalid"), "spam reporting address"
NOBODY_THERE = "5.1.1"


@verb("notify.event.take", access="public", writes=True)
async def take_events(gate: Gate, *, body: bytes, timestamp: str, signature: str) -> None:
    """Write down what the provider's events say of messages.

    Raises NotFound where no key is set, EventsRefused for what is not signed with it or was so more than ten minutes
    ago, and Invalid for what is no list of events.
    """
    key = gate.settings.sendgrid_webhook_key
    if not key:
        raise NotFound
    fault = _fault(gate, key, body, timestamp, signature)
    if fault:
        record = Record(
            action="notify.event.take", category="security", severity="warning", outcome="refused", reason=fault
        )
        await gate.works.refuse(SYSTEM_TENANT, ANONYMOUS, gate.request, record)
        raise EventsRefused(f"The events were {fault}.")
    try:
        events = MailEvents.validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)[:10]
        where = [FieldError(".".join(map(str, ("body", *each["loc"]))), each["type"], each["msg"]) for each in faults]
        raise Invalid(f"{where[0].location}: {where[0].message}", errors=where) from None
    for event in events:
        for found in returns_in(event, gate.works.keys):
            await take_return(gate.works, found)


def returns_in(event: MailEvent, keys: Keys) -> Iterator[Return]:
    """Yield what an event says of a message of ours that had left; nothing for one that tells of success or delay."""
    if event.event not in ("bounce", "dropped", "spamreport"):
        return
    for tenant_id, notice_id in message_keys_in(keys, event.holdfast_key or ""):
        said, named = without_addresses(event.reason or ""), (event.email or "",)
        why = said.lower()
        if event.event == "spamreport" or (event.event == "dropped" and why.startswith(UNWANTED)):
            yield Return(tenant_id, notice_id, complained=True, said=said or "complaint", named=named)
        elif event.event == "dropped":
            status = NOBODY_THERE if why.startswith(DEAD) else NO_STATUS
            yield Return(tenant_id, notice_id, complained=False, status=status, said=said, named=named)
        else:
            # What is `blocked` was refused for now, whatever its status says.
            told = status_in(event.status or "") or status_in(event.reason or "")
            status = NO_STATUS if event.type == "blocked" else told or NO_STATUS
            yield Return(tenant_id, notice_id, complained=False, status=status, said=said, named=named)


def _fault(gate: Gate, key: str, body: bytes, timestamp: str, signature: str) -> str:
    """Return what is wrong with the signature, empty for nothing."""
    if not (signature and timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return "not signed"
    if not _signed_by(key, signature, timestamp.encode() + body):
        return "not signed with the key of the settings"
    if abs(gate.now().timestamp() - int(timestamp)) > OLDEST.total_seconds():
        return "signed more than ten minutes ago"
    return ""


def _signed_by(key: str, signature: str, signed: bytes) -> bool:
    """Tell whether a signature (DER, in base64) is that of the key."""
    public = p256_key(key)
    try:
        found = base64.b64decode(signature, validate=True)
        if public is not None:
            public.verify(found, signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return public is not None
