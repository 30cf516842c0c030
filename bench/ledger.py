"""python -m bench.ledger: the ledger's tree without a database: growing, re-hashing, proving.

--entries N (200000) of 410 bytes, --rounds N (5), --strict (exit 1 where a promise is not kept). Rates are of one core:
medians of the rounds, by CPU time. The share of SHA-256 is what the bare digests of the same bytes take, one after the
other from a list.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from random import Random
from statistics import median

from bench.report import Line
from holdfast.core.audit.ledger.tiles import TileId, all_tiles
from holdfast.core.audit.ledger.tree import (
    Edge,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

ENTRY_BYTES, BATCH, PROOFS = 410, 2_000, 500
LARGE = 1_000_000


class SameTiles(Mapping[TileId, bytes]):
    """The tiles of any tree whose leaves are all alike: made when they are first asked for."""

    def __init__(self) -> None:
        self.leaf = leaf_hash(b"")
        self._complete = [self.leaf]
        for _ in range(62):
            self._complete.append(node_hash(self._complete[-1], self._complete[-1]))
        self._made: dict[TileId, bytes] = {}

    def __getitem__(self, tile: TileId) -> bytes:
        if tile not in self._made:
            self._made[tile] = self._complete[8 * tile.level] * tile.width
        return self._made[tile]

    def __iter__(self) -> Iterator[TileId]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def grow(leaves: list[bytes], batch: int) -> Edge:
    """Append all leaf hashes in batches, with the root after each, as a sequencer does."""
    edge = Edge()
    for at in range(0, len(leaves), batch):
        edge, _ = append(edge, leaves[at : at + batch])
        edge.root()
    return edge


def seconds(rounds: int, call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, the median of the rounds."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        call()
        found.append(time.process_time() - begun)
    return median(found)


def digests(messages: list[bytes]) -> list[bytes]:
    return [sha256(message).digest() for message in messages]


def main() -> int:
    """Measure and print; return 1 with --strict where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--strict", action="store_true")
    asked = parser.parse_args()
    chance, count = Random(1), asked.entries
    entries = [chance.randbytes(ENTRY_BYTES) for _ in range(count)]
    leaves = leaf_hashes(entries)

    nodes = [b"\x01" + leaf + leaf for leaf in leaves]
    bare_nodes = seconds(asked.rounds, lambda: digests(nodes))
    messages = [b"\x00" + entry for entry in entries]
    bare_leaves = seconds(asked.rounds, lambda: digests(messages))
    drained = seconds(asked.rounds, lambda: grow(leaves, BATCH))
    inline = seconds(asked.rounds, lambda: grow(leaves[:5_000], 1)) / 5_000
    whole = seconds(asked.rounds, lambda: grow(leaf_hashes(entries), BATCH))
    size = sum(tile.width * 32 for tile in all_tiles(LARGE)) / LARGE
    print(f"append in batches of {BATCH}: {count / drained:,.0f} leaves/s, SHA-256 {bare_nodes / drained:.0%}")
    print(f"append one by one: {1 / inline:,.0f} leaves/s")
    print(f"entries to root: {count / whole:,.0f} entries/s, SHA-256 {(bare_nodes + bare_leaves) / whole:.0%}")
    print(f"tiles of {LARGE:,} leaves: {size:.1f} bytes a leaf")

    tiles, old = SameTiles(), LARGE - 123_457
    root, old_root = grow_same(tiles, LARGE), grow_same(tiles, old)
    places = [chance.randrange(LARGE) for _ in range(PROOFS)]
    for place in places:
        inclusion_proof(place, LARGE, tiles)  # makes the tiles
    prove = seconds(asked.rounds, lambda: [inclusion_proof(place, LARGE, tiles) for place in places]) / PROOFS
    proof = inclusion_proof(7, LARGE, tiles)
    hops = consistency_proof(old, LARGE, tiles)
    consistency = seconds(asked.rounds, lambda: [consistency_proof(old, LARGE, tiles) for _ in range(PROOFS)]) / PROOFS

    def verify() -> None:
        for _ in range(PROOFS):
            verify_inclusion(index=7, size=LARGE, leaf=tiles.leaf, proof=proof, root=root)
            verify_consistency(old=old, new=LARGE, old_root=old_root, new_root=root, proof=hops)

    both = seconds(asked.rounds, verify) / PROOFS
    print(f"of {LARGE:,} leaves, from tiles in memory: inclusion proof {prove * 1e6:.0f} µs,")
    print(f"consistency proof {consistency * 1e6:.0f} µs, verifying one of each {both * 1e6:.0f} µs")
    lines = [
        Line("ledger: leaves appended", count / drained, 30_000, at_least=True, unit="/s"),
        Line("ledger: entries to root", count / whole, 200_000, at_least=True, unit="/s"),
        Line("ledger: tiles", size, 40, at_least=False, unit=" B"),
    ]
    for line in lines:
        print(line.text())
    return int(asked.strict and not all(line.passed for line in lines))


def grow_same(tiles: SameTiles, size: int) -> bytes:
    """Return the root of a tree whose leaves are all alike."""
    edge = append(Edge(), [tiles.leaf] * size)[0]
    return edge.root()


if __name__ == "__main__":
    sys.exit(main())
