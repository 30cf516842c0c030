"""Trees for the tests: one by the words of RFC 6962, section 2.1, which says what is right, and some made by ours."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from holdfast.core.audit.ledger.tiles import TileId
from holdfast.core.audit.ledger.tree import Edge, append, leaf_hash, node_hash

SEED = bytes(range(32))
ORIGIN = "log.example/l/north"


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def grown(leaves: Sequence[bytes], *, by: int | None = None) -> tuple[Edge, dict[TileId, bytes]]:
    """Return the edge and every tile that was ever written, in batches of `by` leaves."""
    edge, tiles = Edge(), {}
    for at in range(0, len(leaves), by or len(leaves) or 1):
        edge, changed = append(edge, leaves[at : at + (by or len(leaves))])
        tiles |= changed
    return edge, tiles


def flipped(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]


def hashes(text: str) -> list[bytes]:
    return [base64.b64decode(word) for word in text.split()]


# ── RFC 6962, section 2.1, word for word ─────────────────────────────────────────────────────────────────────────────


def split(count: int) -> int:
    """The largest power of two smaller than the count."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


class AllAlike(Mapping[TileId, bytes]):
    """The tiles of a tree of any size all of whose leaves are alike; no tile is kept."""

    def __init__(self, leaf: bytes) -> None:
        self._complete = [leaf]
        for _ in range(62):
            self._complete.append(node_hash(self._complete[-1], self._complete[-1]))

    def __getitem__(self, tile: TileId) -> bytes:
        return self._complete[8 * tile.level] * tile.width

    def __iter__(self) -> Iterator[TileId]:
        raise TypeError("tiles of a tree of any size cannot be counted")

    def __len__(self) -> int:
        raise TypeError("tiles of a tree of any size cannot be counted")
