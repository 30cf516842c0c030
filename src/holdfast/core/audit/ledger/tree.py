"""The Merkle tree: hashes, growth by its right edge, proofs from tiles, and their verification.

Hashing and shape: RFC 6962, section 2.1. Verification: RFC 9162, sections 2.1.3.2 and 2.1.4.2. Sizes up to 2**62.

Growing: `append(read_edge(size, tiles), leaf_hashes)` gives the next edge and the tiles that changed. Proving:
`tiles_for_inclusion` or `tiles_for_consistency` say which tiles are needed, the caller reads them, `inclusion_proof` or
`consistency_proof` take them as a mapping. A tile may be given in a later, wider state than the one that was asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed, Unproven
from holdfast.core.audit.ledger.tiles import HASH_BYTES, HEIGHT, TILE_BYTES, WIDTH, TileId, edge_tiles, tile_at

EMPTY_ROOT = sha256().digest()
Tiles = Mapping[TileId, bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the hashes of entries as leaves."""
    digest = sha256
    return [digest(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: its size and, from the leaves up, the hashes of each level's partial tile, joined."""

    size: int = 0
    parts: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the tree."""
        node = b""
        for part in self.parts:
            node = _fold(part, node)
        return node or EMPTY_ROOT


def read_edge(size: int, tiles: Tiles) -> Edge:
    """Return the edge of a tree from the tiles that `edge_tiles(size)` names. Raises Malformed."""
    _check_size(size)
    found = {tile.level: _hashes(tile, tiles) for tile in edge_tiles(size)}
    return Edge(size, tuple(found.get(level, b"") for level in range(max(found, default=-1) + 1)))


def append(edge: Edge, leaves: Sequence[bytes]) -> tuple[Edge, dict[TileId, bytes]]:
    """Return the edge after more leaf hashes, and the new contents of every tile that they change. Raises Malformed.

    A tile that was partial and is full now is among them, one level's partial tile at most once.
    """
    if not set(map(len, leaves)) <= {HASH_BYTES}:
        raise Malformed("leaf hash", f"not each has {HASH_BYTES} bytes")
    _check_size(edge.size + len(leaves))
    changed: dict[TileId, bytes] = {}
    parts: list[bytes] = []
    added, level = b"".join(leaves), 0
    while added:
        data = (edge.parts[level] if level < len(edge.parts) else b"") + added
        n = edge.size >> HEIGHT * (level + 1)
        end = len(data) - len(data) % TILE_BYTES
        for number, at in enumerate(range(0, end, TILE_BYTES), n):
            changed[TileId(level, number)] = data[at : at + TILE_BYTES]
        added, rest = data[:end], data[end:]
        if rest:
            changed[TileId(level, n + end // TILE_BYTES, len(rest) // HASH_BYTES)] = rest
        parts.append(rest)
        for _ in range(HEIGHT):
            added = _parents(added)
        level += 1
    return Edge(edge.size + len(leaves), (*parts, *edge.parts[level:])), changed


def tiles_for_inclusion(index: int, size: int) -> list[TileId]:
    """Return the tiles that the inclusion proof of a leaf needs, each once. Raises Malformed."""
    return _tiles_for(_inclusion_path(index, size), size)


def tiles_for_consistency(old: int, new: int) -> list[TileId]:
    """Return the tiles that the consistency proof between two sizes needs, each once. Raises Malformed."""
    return _tiles_for(_consistency_path(old, new), new)


def inclusion_proof(index: int, size: int, tiles: Tiles) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, the leaf's sibling first. Raises Malformed."""
    return [_span_hash(low, high, size, tiles) for low, high in _inclusion_path(index, size)]


def consistency_proof(old: int, new: int, tiles: Tiles) -> list[bytes]:
    """Return the hashes that lead from an older root to a newer one; none for equal sizes. Raises Malformed."""
    return [_span_hash(low, high, new, tiles) for low, high in _consistency_path(old, new)]


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the leaf hash stands at an index of the tree with this size and root. Raises Malformed, Unproven."""
    _check_hashes("inclusion proof", leaf, root, *proof)
    if not 0 <= index < size <= MAX_SIZE:
        raise Unproven("inclusion proof", f"no leaf {index} in a tree of {size}")
    node = leaf
    for sibling, left in _siblings("inclusion proof", index, size - 1, proof):
        node = node_hash(sibling, node) if left else node_hash(node, sibling)
    if node != root:
        raise Unproven("inclusion proof", f"leads from leaf {index} to another root than that of the tree of {size}")


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the newer tree begins with the older one. Raises Malformed, Unproven.

    Nothing is proven from a tree without leaves, since every tree begins with it: that is refused. Equal sizes need
    equal roots and an empty proof.
    """
    _check_hashes("consistency proof", old_root, new_root, *proof)
    if not 0 < old <= new <= MAX_SIZE:
        raise Unproven("consistency proof", f"nothing leads from a tree of {old} leaves to one of {new}")
    if old == new:
        if proof or old_root != new_root:
            raise Unproven("consistency proof", f"two trees of {old} leaves have one root, and nothing between them")
        return
    # Where the older tree is complete, its root is a node of the newer one and left out of the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise Unproven("consistency proof", "is too short")
    risen = (old ^ (old - 1)).bit_length() - 1
    older = newer = path[0]
    for sibling, left in _siblings("consistency proof", old - 1 >> risen, new - 1 >> risen, path[1:]):
        older = node_hash(sibling, older) if left else older
        newer = node_hash(sibling, newer) if left else node_hash(newer, sibling)
    if older != old_root:
        raise Unproven("consistency proof", f"leads to another root than that of the tree of {old}")
    if newer != new_root:
        raise Unproven("consistency proof", f"leads to another root than that of the tree of {new}")


def _siblings(what: str, at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield the hashes of a proof on the way up from a node, each with whether it stands to the left."""
    for sibling in proof:
        if last == 0:
            raise Unproven(what, "is too long")
        left = bool(at & 1) or at == last
        yield sibling, left
        while left and at and not at & 1:  # a left child without a right one is its own parent
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last:
        raise Unproven(what, "is too short")


def _parents(data: bytes) -> bytes:
    """Return the joined parents of joined hashes, an even number of them."""
    digest = sha256
    return b"".join([digest(b"\x01" + data[at : at + 64]).digest() for at in range(0, len(data), 64)])


def _fold(data: bytes, node: bytes) -> bytes:
    """Return the root over joined hashes and, to their right, the node of what is smaller, if any."""
    while data:
        if len(data) % 64:
            data, last = data[:-HASH_BYTES], data[-HASH_BYTES:]
            node = node_hash(last, node) if node else last
        data = _parents(data)
    return node


def _inclusion_path(index: int, size: int) -> list[tuple[int, int]]:
    """Return the ranges of leaves whose roots are the proof: PATH of RFC 6962, section 2.1.1."""
    _check_size(size)
    if not 0 <= index < size:
        raise Malformed("inclusion proof", f"no leaf {index} in a tree of {size}")
    path, low, high = [], 0, size
    while high - low > 1:
        middle = _middle(low, high)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


def _consistency_path(old: int, new: int) -> list[tuple[int, int]]:
    """Return the ranges of leaves whose roots are the proof: SUBPROOF of RFC 6962, section 2.1.2."""
    _check_size(new)
    if not 0 < old <= new:
        raise Malformed("consistency proof", f"nothing leads from a tree of {old} leaves to one of {new}")
    path, low, high = [], 0, new
    while old != high:
        middle = _middle(low, high)
        if old <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    # The verifier has the root of the older tree already, where that is the whole of what is left.
    return [(low, high), *path[::-1]] if low else path[::-1]


def _middle(low: int, high: int) -> int:
    return low + (1 << (high - low - 1).bit_length() - 1)


def _span_tiles(low: int, high: int, size: int) -> Iterator[tuple[TileId, int, int]]:
    """Yield where a range's complete subtrees are, the largest first: the tile, the first of its hashes, how many."""
    while low < high:
        height = (high - low).bit_length() - 1
        level, inside = divmod(height, HEIGHT)
        n, first = divmod(low >> HEIGHT * level, WIDTH)
        yield tile_at(level, n, size), first, 1 << inside
        low += 1 << height


def _tiles_for(path: Iterable[tuple[int, int]], size: int) -> list[TileId]:
    return list(dict.fromkeys(tile for span in path for tile, _, _ in _span_tiles(*span, size)))


def _span_hash(low: int, high: int, size: int, tiles: Tiles) -> bytes:
    node = b""
    for tile, first, count in reversed(list(_span_tiles(low, high, size))):
        node = _fold(_hashes(tile, tiles)[first * HASH_BYTES : (first + count) * HASH_BYTES], node)
    return node


def _hashes(tile: TileId, tiles: Tiles) -> bytes:
    """Return as many hashes of a tile as its width says; the tile may have grown since."""
    data = tiles.get(tile)
    if data is None:
        raise Malformed(tile.path, "is missing")
    if len(data) < tile.width * HASH_BYTES or len(data) % HASH_BYTES or len(data) > TILE_BYTES:
        raise Malformed(tile.path, f"has {len(data)} bytes, not {tile.width * HASH_BYTES}")
    return data[: tile.width * HASH_BYTES]


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise Malformed("tree", f"a size of {size} is not between 0 and {MAX_SIZE}")


def _check_hashes(what: str, *hashes: bytes) -> None:
    if not set(map(len, hashes)) <= {HASH_BYTES}:
        raise Malformed(what, f"not each hash has {HASH_BYTES} bytes")
