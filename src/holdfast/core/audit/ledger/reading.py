"""What all parsers of the ledger share: two errors, and numbers and bytes read by the letter.

`Malformed` says that something cannot be read at all, `Unproven` that what was read well does not hold. No parser and
no verifier of this package raises anything else, whatever it is given.
"""

import base64
import binascii
import re

MAX_SIZE = 2**62  # leaves in a tree: every size and index stays a signed 64-bit integer, in any language
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")
_UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class Malformed(ValueError):
    """Something cannot be read: `what` it was to be, `why` not, with the place where there is one."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


class Unproven(ValueError):
    """A signature, a proof or a key's range does not hold: `what` was to be proven, and `why` it is not."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


def read_decimal(text: str, what: str) -> int:
    """Return a number written in at most 19 ASCII digits without leading zeros. Raises Malformed."""
    if not _DECIMAL.fullmatch(text):
        raise Malformed(what, f"{shortened(text)} is no decimal number without leading zeros, of at most 19 digits")
    return int(text)


def read_base64(text: str, what: str) -> bytes:
    """Return the bytes of standard base64 (RFC 4648, section 4) in its one canonical form. Raises Malformed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Malformed(what, f"{shortened(text)} is no base64") from None
    if write_base64(data) != text:
        raise Malformed(what, f"{shortened(text)} is not the canonical base64 of its bytes")
    return data


def write_base64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode("ascii")


def read_text(data: bytes, what: str, *, most: int) -> str:
    """Return UTF-8 of at most `most` bytes, without control characters but newlines. Raises Malformed."""
    if len(data) > most:
        raise Malformed(what, f"has {len(data)} bytes, more than {most}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Malformed(what, f"is no UTF-8 at byte {fault.start}") from None
    check_characters(text, what)
    return text


def check_characters(text: str, what: str) -> None:
    """Refuse control characters but newlines, and what UTF-8 cannot hold. Raises Malformed."""
    if found := _UNWANTED.search(text):
        raise Malformed(what, f"has the character U+{ord(found[0]):04X} at position {found.start()}")


def shortened(text: str) -> str:
    """Return a text as it may stand in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
