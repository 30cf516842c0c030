"""Signed notes: a text, and lines with signatures of it (c2sp.org/signed-note@v1.0.0).

Two kinds of Ed25519 signature: over the text (type 0x01), and a cosignature with the time when it was made (type 0x04,
cosignature/v1 of c2sp.org/tlog-cosignature@v1.0.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from holdfast.core.audit.ledger.reading import (
    Malformed,
    Unproven,
    check_characters,
    read_base64,
    read_text,
    shortened,
    write_base64,
)

ED25519, COSIGNATURE = 0x01, 0x04
MAX_NOTE_BYTES, MAX_SIGNATURES = 1_048_576, 100
MAX_TIME = 2**63 - 1
_MAX_KEY = 4_096  # characters
_ID_BYTES, _KEY_BYTES, _TIME_BYTES = 4, 32, 8
_PRIVATE = "PRIVATE+KEY+"
_DASH = "— "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by name: who signed is told by name and key id together. Raises Malformed."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        _check_name(self.name, "verifier key")
        if self.kind not in (ED25519, COSIGNATURE) or len(self.public) != _KEY_BYTES:
            raise Malformed("verifier key", f"type {self.kind} with {len(self.public)} bytes is no key that we know")

    @property
    def id(self) -> bytes:
        """The four bytes that stand before each signature."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as one word: name, key id, type and public key."""
        return f"{self.name}+{self.id.hex()}+{write_base64(bytes([self.kind]) + self.public)}"

    def verify(self, text: str, value: bytes) -> int | None:
        """Verify a signature of a text; return the time that a cosignature states, in seconds. Raises Unproven."""
        message, signature, time = text.encode(), value, None
        if self.kind == COSIGNATURE:
            time, signature = int.from_bytes(value[:_TIME_BYTES], "big"), value[_TIME_BYTES:]
            message = _timed(time, text)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise Unproven("signature", f"that of {self.name}+{self.id.hex()} does not verify") from None
        if time is not None and time > MAX_TIME:
            raise Unproven("signature", f"that of {self.name}+{self.id.hex()} states a time beyond all calendars")
        return time


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key by name. `text` is secret. Raises Malformed."""

    name: str
    seed: bytes = field(repr=False)
    kind: int = ED25519

    def __post_init__(self) -> None:
        if len(self.seed) != _KEY_BYTES:
            raise Malformed("signer key", f"has {len(self.seed)} bytes, not {_KEY_BYTES}")
        _ = self.verifier  # refuses name and type

    @property
    def verifier(self) -> VerifierKey:
        """The public key."""
        return VerifierKey(self.name, self._private().public_key().public_bytes_raw(), self.kind)

    @property
    def text(self) -> str:
        """The key as one word, as golang.org/x/mod/sumdb/note writes it; secret."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{write_base64(bytes([self.kind]) + self.seed)}"

    def sign(self, text: str, *, time: int | None = None) -> str:
        """Return a text's signature line; a cosignature states a time, in seconds since 1970. Raises Malformed."""
        _check_text(text)
        if (self.kind == COSIGNATURE) != (time is not None) or not 0 <= (time or 0) <= MAX_TIME:
            raise Malformed("signature", f"a signature of type {self.kind} cannot state the time {time}")
        private, prefix = self._private(), b"" if time is None else time.to_bytes(_TIME_BYTES, "big")
        value = prefix + private.sign(text.encode() if time is None else _timed(time, text))
        return Signature(self.name, self.verifier.id, value).line

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


class Signature(NamedTuple):
    """One signature line: whose it says to be, and the bytes after the key id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {write_base64(self.key_id + self.value)}\n"


class Verified(NamedTuple):
    """A signature that was verified: by which key, and the time that it states if it is a cosignature, in seconds."""

    key: VerifierKey
    time: int | None


class Note(NamedTuple):
    """A text with its signature lines, none of them verified."""

    text: str
    signatures: tuple[Signature, ...]


def parse_verifier(text: str) -> VerifierKey:
    """Return the key of `name+hash+base64`. Raises Malformed."""
    name, key_id, data = _parse_key(text, "verifier key")
    key = VerifierKey(name, data[1:], data[0])
    if key.id.hex() != key_id.lower():
        raise Malformed("verifier key", f"its id is {key.id.hex()}, not {key_id}")
    return key


def parse_signer(text: str) -> SignerKey:
    """Return the key of `PRIVATE+KEY+name+hash+base64`; no message repeats any of it. Raises Malformed."""
    if not text.startswith(_PRIVATE):
        raise Malformed("signer key", f"does not begin with {_PRIVATE}")
    name, key_id, data = _parse_key(text.removeprefix(_PRIVATE), "signer key")
    key = SignerKey(name, data[1:], data[0])
    if key.verifier.id.hex() != key_id.lower():
        raise Malformed("signer key", "its id is not the one of its public key")
    return key


def write_note(text: str, lines: Iterable[str]) -> bytes:
    """Return a text with signature lines as one note. Raises Malformed."""
    _check_text(text)
    data = f"{text}\n{''.join(lines)}".encode("utf-8", "surrogatepass")
    if parse_note(data).text != text:
        raise Malformed("note", "a signature line has lines of its own")
    return data


def parse_note(data: bytes) -> Note:
    """Return text and signatures of a note, at most 1 MiB and 100 signatures. Verifies nothing. Raises Malformed."""
    whole = read_text(data, "note", most=MAX_NOTE_BYTES)
    text, blank, block = whole.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise Malformed("note", "does not end with an empty line and lines with signatures")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Malformed("note", f"has {len(lines)} signatures, more than {MAX_SIGNATURES}")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def open_note(data: bytes, keys: Iterable[VerifierKey]) -> tuple[str, tuple[Verified, ...]]:
    """Return the text of a note and the signatures by the given keys, all verified. Raises Malformed, Unproven.

    Signatures by other keys are ignored. One by a given key that does not verify, or none at all, refuses the note. Who
    signed twice is named twice: a quorum counts keys.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise Malformed("verifier key", f"two keys are called {key.name}+{key.id.hex()}")
    note = parse_note(data)
    verified = []
    for signature in note.signatures:
        key_of = known.get((signature.name, signature.key_id))
        if key_of is not None:
            verified.append(Verified(key_of, key_of.verify(note.text, signature.value)))
    if not verified:
        raise Unproven("note", "has no signature by a known key")
    return note.text, tuple(verified)


def _timed(time: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed("signature line", f"{shortened(line)} is not a dash, a name and base64")
    _check_name(name, "signature line")
    data = read_base64(encoded, "signature line")
    if len(data) <= _ID_BYTES:
        raise Malformed("signature line", f"that of {shortened(name)} has nothing after its key id")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def _parse_key(text: str, what: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if len(text) > _MAX_KEY or len(key_id) != 2 * _ID_BYTES:
        raise Malformed(what, "is not a name, eight hexadecimal digits and base64, with + between them")
    try:
        data = read_base64(encoded, what)
    except Malformed:
        raise Malformed(what, "ends in what is no base64") from None
    if len(data) != 1 + _KEY_BYTES:
        raise Malformed(what, f"has {len(data)} bytes, not a type and {_KEY_BYTES}")
    return name, key_id, data


def _check_name(name: str, what: str) -> None:
    check_characters(name, what)
    if not name or "+" in name or any(character.isspace() for character in name):
        raise Malformed(what, f"the name {shortened(name)} is empty or has a space or a plus")


def _check_text(text: str) -> None:
    check_characters(text, "note")
    if not text.endswith("\n"):
        raise Malformed("note", "its text does not end with a newline")
