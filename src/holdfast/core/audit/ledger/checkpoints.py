"""Checkpoints: a log's name, size and root as a signed note (c2sp.org/tlog-checkpoint@v1.0.0).

Extension lines are refused: the specification advises against them, and nobody could audit what they say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from holdfast.core.audit.ledger.notes import SignerKey, Verified, VerifierKey, open_note, write_note
from holdfast.core.audit.ledger.reading import (
    MAX_SIZE,
    Malformed,
    Unproven,
    check_characters,
    read_base64,
    read_decimal,
    shortened,
    write_base64,
)
from holdfast.core.audit.ledger.tiles import HASH_BYTES
from holdfast.core.audit.ledger.tree import EMPTY_ROOT

MAX_ORIGIN_BYTES = 255


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its origin, how many leaves it has, their root. Raises Malformed."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_characters(self.origin, "checkpoint")
        if not self.origin or "\n" in self.origin or len(self.origin.encode()) > MAX_ORIGIN_BYTES:
            raise Malformed("checkpoint", f"its origin is not one line of 1 to {MAX_ORIGIN_BYTES} bytes")
        if not 0 <= self.size <= MAX_SIZE:
            raise Malformed("checkpoint", f"its size {self.size} is not between 0 and {MAX_SIZE}")
        if len(self.root) != HASH_BYTES:
            raise Malformed("checkpoint", f"its root has {len(self.root)} bytes, not {HASH_BYTES}")
        if not self.size and self.root != EMPTY_ROOT:
            raise Malformed("checkpoint", "its size is 0, but its root is not the one of an empty tree")

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{write_base64(self.root)}\n"


class KeyRange(NamedTuple):
    """A log's key and the sizes that it may sign, both included; no last size is no end.

    So the thief of a newer key cannot sign an older tree again, rewritten.
    """

    key: VerifierKey
    first_size: int = 0
    last_size: int | None = None

    def covers(self, size: int) -> bool:
        """Tell whether the key may sign a tree of this size."""
        return self.first_size <= size and (self.last_size is None or size <= self.last_size)


class Opened(NamedTuple):
    """A checkpoint that its log has signed, and the cosignatures by known witnesses."""

    checkpoint: Checkpoint
    signatures: tuple[Verified, ...]
    cosignatures: tuple[Verified, ...]


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text: exactly three lines, each with its newline. Raises Malformed."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("checkpoint", f"{shortened(text)} is not three lines: origin, size, root")
    size = read_decimal(lines[1], "size of checkpoint")
    return Checkpoint(lines[0], size, read_base64(lines[2], "root of checkpoint"))


def sign_checkpoint(checkpoint: Checkpoint, signer: SignerKey) -> bytes:
    """Return a checkpoint signed by its log, whose key is named as the origin. Raises Malformed.

    The caller answers for it that the log never signed anything that this is not consistent with.
    """
    if signer.name != checkpoint.origin:
        raise Malformed("checkpoint", f"the key of {signer.name} cannot sign for {checkpoint.origin}")
    return write_note(checkpoint.text, [signer.sign(checkpoint.text)])


def open_checkpoint(
    data: bytes, *, origin: str, keys: Iterable[KeyRange], witnesses: Iterable[VerifierKey] = ()
) -> Opened:
    """Return a checkpoint of a log, signed by one of its keys that may sign this size. Raises Malformed, Unproven.

    Signatures by unknown keys are ignored; one by a known key or witness that does not verify refuses the whole.
    """
    ranges, others = list(keys), list(witnesses)
    text, verified = open_note(data, [*(each.key for each in ranges), *others])
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != origin:
        raise Unproven("checkpoint", f"is of {shortened(checkpoint.origin)}, not of {shortened(origin)}")
    of_log = {each.key for each in ranges if each.key.name == origin}
    covering = {each.key for each in ranges if each.key in of_log and each.covers(checkpoint.size)}
    signatures = tuple(each for each in verified if each.key in covering)
    if not signatures:
        early = sorted({each.key.text for each in verified if each.key in of_log})
        why = f"{', '.join(early)} may not sign a tree of {checkpoint.size}" if early else "its log has not signed it"
        raise Unproven("checkpoint", why)
    return Opened(checkpoint, signatures, tuple(each for each in verified if each.key in others))
