"""A mail as bytes (RFC 5322): the same mail gives the same bytes, so that its id may stand for it."""

import re
from binascii import b2a_qp
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b

from holdfast.kernel.errors import Invalid

MAX_SUBJECT = 200
LINE = 76  # letters of a header's name and value that need no folding (RFC 5322, 2.1.1: 78 with colon and blank)
# An address as a server is told it (RFC 5321, 4.1.2), without quoted local parts, which hardly anybody has.
_ROUTED = re.compile(r"[^\s\0-\x1f\x7f<>()\[\]:;@\\,\"]+@[^\s\0-\x1f\x7f<>()\[\]:;@\\,\"]+")
# Printable ASCII without what would be taken for an encoded word, and not empty.
_PLAIN = re.compile(r"(?!.*=\?)[!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is sent; `key` names it for good: it is its Message-ID before the sender's domain.

    What cannot be delivered comes back to `return_to`, the sender where that is empty.
    """

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
    return_to: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def message_id(self) -> str:
        """Return the Message-ID, in angle brackets."""
        return f"<{self.key}@{domain_of(self.sender)}>"


def domain_of(address: str) -> str:
    """Return the domain of an address, in small letters."""
    return address.rpartition("@")[2].lower()


def written(mail: Mail) -> bytes:
    """Return the mail's bytes, with CRLF; raise Invalid naming the field that cannot stand in a header.

    The library builds a mail five times as slowly as one is sent; it is asked for the headers alone that need care.
    """
    head = [
        _header("From", _address("sender", mail.sender, mail.sender_name)),
        _header("To", _address("to", mail.to, mail.to_name)),
        *(_header("Reply-To", _address("reply_to", each, "")) for each in (mail.reply_to,) if each),
        _header("Subject", _line("subject", mail.subject)[:MAX_SUBJECT]),
        f"Date: {format_datetime(mail.written_at)}\r\n",
        f"Message-ID: {mail.message_id}\r\n",
        "Auto-Submitted: auto-generated\r\n",  # RFC 3834: nobody's absence note answers it
        *(_header(name, _line(name, value)) for name, value in mail.headers),
        "MIME-Version: 1.0\r\n",
    ]
    if mail.return_to:
        _address("return_to", mail.return_to, "")
    text = _part("plain", mail.text)
    if not mail.html:
        return "".join(head).encode("ascii") + text
    # A boundary has at most 70 letters (RFC 2046), a key may have more; `=_` stands in no quoted-printable text.
    mark = f"=_{blake2b(mail.key.encode(), digest_size=16).hexdigest()}"
    head.append(f'Content-Type: multipart/alternative; boundary="{mark}"\r\n\r\n')
    begin = f"--{mark}\r\n".encode()
    return b"".join(
        ("".join(head).encode("ascii"), begin, text, begin, _part("html", mail.html), f"--{mark}--\r\n".encode())
    )


def _part(kind: str, text: str) -> bytes:
    """Return a text as a part, quoted-printable: lines of at most 76 letters (RFC 2045, 6.7)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n") + "\r\n"
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    # It breaks long lines as it finds others broken, so there has to be one.
    return head.encode() + b2a_qp(lines.encode("utf-8", "surrogateescape"), istext=True)


def _header(name: str, value: str) -> str:
    """Return a header; one that is long or not plain ASCII is folded and encoded by the library."""
    if len(name) + len(value) <= LINE and _PLAIN.fullmatch(value):
        return f"{name}: {value}\r\n"
    folded: str = SMTP.fold(name, SMTP.header_store_parse(name, value)[1])
    return folded


@lru_cache(maxsize=1024)
def _address(field_name: str, address: str, name: str) -> str:
    local, _, domain = _line(field_name, address).rpartition("@")
    shown = _line(f"{field_name}_name", name)
    try:
        found = Address(shown, local, domain)
    except (ValueError, HeaderParseError):
        found = None
    if found is None or not (address.isascii() and _ROUTED.fullmatch(address)):
        raise Invalid.field(field_name, "not_an_address", "is no address that a mail can be sent to")
    return str(found)


def _line(field_name: str, text: str) -> str:
    if any(letter in text for letter in "\r\n\0"):
        raise Invalid.field(field_name, "line_break", "must not hold a line break")
    return text
