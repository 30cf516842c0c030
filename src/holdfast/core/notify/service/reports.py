"""What comes back by mail: reports that a message was not delivered (RFC 3464), or that somebody complained (RFC 5965).

Anybody can send one, so nothing in it is believed but the name of the message, which only this installation can have
made, and what is said of that message. Whatever cannot be read is no report.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32
from email.utils import parseaddr
from uuid import UUID

from holdfast.core.notify.guards import NO_STATUS, is_dead, status_in, words_in
from holdfast.core.notify.service.message_keys import message_keys_in
from holdfast.kernel.crypto import Keys

MAX_BYTES = 1_048_576
MAX_PARTS = 20
MAX_DEPTH = 30  # of multiparts in multiparts: each makes reading slower
MAX_FIELD = 1000
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other"})  # of the types of RFC 5965, not `not-spam`
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset({"message/rfc822", "message/global"})
_RETURNED_HEAD = frozenset({"text/rfc822-headers", "message/global-headers"})
_ADDRESS = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+")
# What the library's parser is known to raise for mails that are none.
_BROKEN = (RecursionError, ValueError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True, slots=True)
class Return:
    """Word of a message that had left: it came back, or whoever it reached complained.

    `status` is that of RFC 3463. `named` are the addresses that the report names, which anybody may have written.
    """

    tenant_id: UUID
    notice_id: UUID
    complained: bool
    status: str = NO_STATUS
    said: str = ""
    named: tuple[str, ...] = ()

    @property
    def dead(self) -> bool:
        """Tell whether there is nobody at the address."""
        return not self.complained and is_dead(self.status)


def read_report(raw: bytes, keys: Keys) -> Return | None:
    """Return what a mail reports of one of our messages; None for any other mail, and for one that cannot be read."""
    if len(raw) > MAX_BYTES or raw.lower().count(b"multipart/") > MAX_DEPTH:
        return None
    try:
        return _read(message_from_bytes(raw, policy=compat32), raw, keys)
    except _BROKEN:
        return None


def without_addresses(text: str) -> str:
    """Return what a server said as a database takes it, without the addresses in it, which are kept sealed."""
    return _ADDRESS.sub("…", words_in(text))[:500]


def _read(mail: Message, raw: bytes, keys: Keys) -> Return | None:
    parts = mail.get_payload()
    if mail.get_content_type() != "multipart/report" or not isinstance(parts, list):
        return None
    kinds = [(each.get_content_type(), each) for each in parts[:MAX_PARTS] if isinstance(each, Message)]
    returned = next((head for kind, part in kinds for head in _returned(kind, part)), None)
    known = next(_keys(keys, returned, raw), None)
    if known is None:
        return None
    to = [] if returned is None else [parseaddr(_field(returned, "To"))[1]]
    for kind, part in kinds:
        if kind in _STATUS:
            return _of_delivery(known, list(_blocks(part)), to)
        if kind == "message/feedback-report":
            return _of_complaint(known, list(_blocks(part)), to)
    return None


def _keys(keys: Keys, returned: Message | None, raw: bytes) -> Iterator[tuple[UUID, UUID]]:
    """Yield the messages that a report names, first where it has to: some return no head, and quote it elsewhere."""
    if returned is not None:
        yield from message_keys_in(keys, _field(returned, "Message-ID"))
    yield from message_keys_in(keys, raw.decode("latin-1"))


def _of_delivery(known: tuple[UUID, UUID], blocks: list[Message], to: Iterable[str]) -> Return | None:
    """Return what is said of the first recipient who was given up; a delay is no return."""
    for block in blocks:
        if _field(block, "Action").strip().lower() != "failed":
            continue
        diagnosis = _field(block, "Diagnostic-Code")
        status = status_in(_field(block, "Status"))
        if not status or status.endswith(".0.0"):
            status = status_in(diagnosis) or status or NO_STATUS
        named = [_field(block, name).rpartition(";")[2].strip() for name in ("Original-Recipient", "Final-Recipient")]
        return Return(*known, False, status, without_addresses(diagnosis), (*named, *to))
    return None


def _of_complaint(known: tuple[UUID, UUID], blocks: list[Message], to: Iterable[str]) -> Return | None:
    for block in blocks:
        kind = _field(block, "Feedback-Type").strip().lower()
        if kind in COMPLAINTS:
            named = _field(block, "Original-Rcpt-To").strip().strip("<>")
            return Return(*known, True, NO_STATUS, f"complaint: {kind}", (named, *to))
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """Yield the groups of fields of a part; the library reads those of one type only."""
    payload = part.get_payload()
    for block in payload[:MAX_PARTS] if isinstance(payload, list) else ():
        if isinstance(block, Message):
            yield block
            rest = block.get_payload()
            if isinstance(rest, str) and rest.strip():
                yield from (message_from_string(text, policy=compat32) for text in rest.split("\n\n")[:MAX_PARTS])


def _returned(kind: str, part: Message) -> Iterator[Message]:
    """Yield the head of our message, where a part has it."""
    payload = part.get_payload()
    if kind in _RETURNED and isinstance(payload, list) and payload and isinstance(payload[0], Message):
        yield payload[0]
    elif kind in _RETURNED_HEAD:
        plain = part.get_payload(decode=True)
        if isinstance(plain, bytes):
            yield message_from_bytes(plain, policy=compat32)
        elif isinstance(payload, list) and payload and isinstance(payload[0], Message):
            yield payload[0]


def _field(block: Message, name: str) -> str:
    return str(block.get(name, ""))[:MAX_FIELD]
