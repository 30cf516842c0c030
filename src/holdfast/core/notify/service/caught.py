"""The mails in the folder that takes the place of a mail server, for who tries Holdfast out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

NEWEST = 200
LARGEST = 5_000_000
HEAD = 32_768
# What the library is known to raise for mails that are none.
_BROKEN = (RecursionError, ValueError, LookupError, AttributeError, TypeError)
_LINK = re.compile(r"(https?://[^\s<>\"]+)")


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail as a list shows it; one that cannot be read has no subject and no address."""

    name: str
    written_at: datetime
    subject: str = ""
    to: str = ""
    broken: bool = True


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """A mail in full: its headers as they are, its text, its HTML, and the bytes of the file."""

    mail: CaughtMail
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes

    def pieces(self) -> Iterator[tuple[bool, str]]:
        """Yield the text in pieces, each with whether it is a link."""
        for at, piece in enumerate(_LINK.split(self.text)):
            if piece:
                yield at % 2 == 1, piece


def list_caught(folder: Path, *, to: str = "") -> list[CaughtMail]:
    """Return the newest mails, those to an address that holds `to`, whatever the case."""
    found: list[CaughtMail] = []
    for path, written_at in _files(folder):
        mail = _summary(path, written_at)
        if to.lower() in mail.to.lower():
            found.append(mail)
        if len(found) == NEWEST:
            break
    return found


def find_caught(folder: Path, name: str) -> OpenedMail | None:
    """Return a mail by the name of its file, None where the folder has none of that name."""
    for path, written_at in _files(folder):
        if path.name == name:  # the name is compared, and never made a path of
            return _opened(path, written_at)
    return None


def _files(folder: Path) -> list[tuple[Path, datetime]]:
    """Return the mails' files, the newest first."""
    found = []
    for path in folder.glob("*.eml"):
        try:
            told = path.stat()
        except OSError:  # it was the oldest of too many
            continue
        if path.is_file() and not path.is_symlink():
            found.append((path, told.st_mtime_ns))
    found.sort(key=lambda each: (each[1], each[0].name), reverse=True)
    return [(path, datetime.fromtimestamp(moment / 1e9, UTC)) for path, moment in found]


def _summary(path: Path, written_at: datetime) -> CaughtMail:
    raw = _read(path, HEAD)
    parsed = _parsed(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return CaughtMail(path.name, written_at) if parsed is None else _told(path, written_at, parsed)


def _told(path: Path, written_at: datetime, parsed: EmailMessage) -> CaughtMail:
    return CaughtMail(path.name, written_at, str(parsed["Subject"]), str(parsed["To"]), broken=False)


def _opened(path: Path, written_at: datetime) -> OpenedMail:
    raw = _read(path, LARGEST)
    parsed = _parsed(raw)
    if parsed is None:
        return OpenedMail(CaughtMail(path.name, written_at), (), "", "", raw)
    try:
        headers = tuple((name, str(value)) for name, value in parsed.items())
        mail = _told(path, written_at, parsed)
        return OpenedMail(mail, headers, _body(parsed, "plain"), _body(parsed, "html"), raw)
    except _BROKEN:
        return OpenedMail(CaughtMail(path.name, written_at), (), "", "", raw)


def _body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _parsed(raw: bytes) -> EmailMessage | None:
    """Return a mail that says what it is about and for whom, None for anything else."""
    try:
        parsed = message_from_bytes(raw, policy=default)
        complete = bool(str(parsed["Subject"] or "") and str(parsed["To"] or ""))
    except _BROKEN:
        return None
    return parsed if complete and isinstance(parsed, EmailMessage) else None


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""
