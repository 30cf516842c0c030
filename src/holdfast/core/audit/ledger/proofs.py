"""Proofs in one file: an entry's place in a log, checkable without network (c2sp.org/tlog-proof, format v1).

The specification has no tagged version; this is its text of commit 0065ea5.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.core.audit.ledger.checkpoints import KeyRange, Opened, open_checkpoint, parse_checkpoint
from holdfast.core.audit.ledger.notes import MAX_NOTE_BYTES, VerifierKey, parse_note
from holdfast.core.audit.ledger.reading import (
    MAX_SIZE,
    Malformed,
    read_base64,
    read_decimal,
    read_text,
    shortened,
    write_base64,
)
from holdfast.core.audit.ledger.tiles import HASH_BYTES
from holdfast.core.audit.ledger.tree import verify_inclusion

MAX_HASHES = 62  # the height of the largest tree
MAX_EXTRA_BYTES = 65_536
MAX_PROOF_BYTES = MAX_NOTE_BYTES + 131_072
_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf's index, the hashes from it to the root, the signed checkpoint. Raises Malformed.

    `extra` is for the application, and not authenticated; none is no bytes.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise Malformed("proof", f"its index {self.index} is not between 0 and {MAX_SIZE - 1}")
        if len(self.hashes) > MAX_HASHES or not set(map(len, self.hashes)) <= {HASH_BYTES}:
            raise Malformed("proof", f"it has not at most {MAX_HASHES} hashes of {HASH_BYTES} bytes")
        if len(self.extra) > MAX_EXTRA_BYTES:
            raise Malformed("proof", f"its extra data has {len(self.extra)} bytes, more than {MAX_EXTRA_BYTES}")
        parse_checkpoint(parse_note(self.checkpoint).text)

    @property
    def data(self) -> bytes:
        """The file."""
        extra = [f"extra {write_base64(self.extra)}"] if self.extra else []
        lines = [_HEADER, *extra, f"index {self.index}", *map(write_base64, self.hashes), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint

    def verify(
        self, *, leaf: bytes, origin: str, keys: Iterable[KeyRange], witnesses: Iterable[VerifierKey] = ()
    ) -> Opened:
        """Verify that a log has the leaf hash at the index; return its checkpoint. Raises Malformed, Unproven."""
        opened = open_checkpoint(self.checkpoint, origin=origin, keys=keys, witnesses=witnesses)
        checkpoint = opened.checkpoint
        verify_inclusion(index=self.index, size=checkpoint.size, leaf=leaf, proof=self.hashes, root=checkpoint.root)
        return opened


def parse_proof(data: bytes) -> Proof:
    """Return the proof of a file; its signatures and hashes are not verified. Raises Malformed."""
    whole = read_text(data, "proof", most=MAX_PROOF_BYTES)
    head, _, checkpoint = whole.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != _HEADER:
        raise Malformed("proof", f"does not begin with {_HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = read_base64(lines.pop(0).removeprefix("extra "), "extra data of proof")
        if not extra:
            raise Malformed("extra data of proof", "is empty: then its line is left out")
    if not lines or not lines[0].startswith("index "):
        raise Malformed("proof", f"has {shortened(lines[0]) if lines else 'nothing'} where its index stands")
    index = read_decimal(lines.pop(0).removeprefix("index "), "index of proof")
    hashes = tuple(read_base64(line, "hash of proof") for line in lines)
    return Proof(index, hashes, checkpoint.encode(), extra)
