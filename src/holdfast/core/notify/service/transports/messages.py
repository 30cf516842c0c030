"""A mail as bytes (RFC 5322): the same mail gives the same bytes, so that its id may stand for it."""

from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from holdfast.kernel.errors import Invalid

MAX_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is sent; `key` names it for good: it is its Message-ID before the sender's domain."""

    key: str
    sender: str
    sender_name: str
    to: str
    subject: str
    text: str
    written_at: datetime
    to_name: str = ""
    html: str = ""
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def message_id(self) -> str:
        """Return the Message-ID, in angle brackets."""
        return f"<{self.key}@{domain_of(self.sender)}>"


def domain_of(address: str) -> str:
    """Return the domain of an address, in small letters."""
    return address.rpartition("@")[2].lower()


def written(mail: Mail) -> bytes:
    """Return the mail's bytes, with CRLF; raise Invalid naming the field that cannot stand in a header."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address("sender", mail.sender, mail.sender_name)
    message["To"] = _address("to", mail.to, mail.to_name)
    if mail.reply_to:
        message["Reply-To"] = _address("reply_to", mail.reply_to, "")
    message["Subject"] = _line("subject", mail.subject)[:MAX_SUBJECT]
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    for name, value in mail.headers:
        message[name] = _line(name, value)
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        message.set_boundary(f"part-{mail.key}")
    return message.as_bytes()


def _address(field_name: str, address: str, name: str) -> Address:
    local, _, domain = _line(field_name, address).rpartition("@")
    shown = _line(f"{field_name}_name", name)
    try:
        found = Address(shown, local, domain)
    except (ValueError, HeaderParseError):
        found = None
    if found is None or not (local and domain and address.isascii()):
        raise Invalid.field(field_name, "not_an_address", "is no address that a mail can be sent to")
    return found


def _line(field_name: str, text: str) -> str:
    if any(letter in text for letter in "\r\n\0"):
        raise Invalid.field(field_name, "line_break", "must not hold a line break")
    return text
