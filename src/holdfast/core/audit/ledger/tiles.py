"""Tiles and entry bundles, and the paths where they are served (c2sp.org/tlog-tiles@v0.1.0).

A tile of level L holds up to 256 hashes, each of a complete subtree of 256**L leaves; tile N of a level begins with
hash N * 256. An entry bundle holds the entries below one tile of level 0.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed, shortened

HEIGHT, WIDTH, HASH_BYTES = 8, 256, 32
TILE_BYTES = WIDTH * HASH_BYTES
MAX_ENTRY_BYTES = 65_535
_MAX_PATH = 60  # characters; the longest has six groups of three digits
_PATH = re.compile(r"tile/(entries|[1-9]?[0-9])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileId(NamedTuple):
    """Which tile, and how many of its hashes: 256 is the full tile, fewer a partial one."""

    level: int
    n: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix."""
        return f"tile/{self.level}/{_place(self.n, self.width)}"


class BundleId(NamedTuple):
    """Which entry bundle, and how many of its entries."""

    n: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix."""
        return f"tile/entries/{_place(self.n, self.width)}"


def tile_at(level: int, n: int, size: int) -> TileId:
    """Return the tile as a tree of `size` leaves has it; its width is zero or less where it has none."""
    return TileId(level, n, min(WIDTH, (size >> HEIGHT * level) - n * WIDTH))


def edge_tiles(size: int) -> list[TileId]:
    """Return the partial tiles of a tree, from the leaves up: together with its size they are all that it grows by."""
    tiles = (tile_at(level, size >> HEIGHT * (level + 1), size) for level in range(_levels(size)))
    return [tile for tile in tiles if tile.width]


def all_tiles(size: int) -> list[TileId]:
    """Return every tile of a tree, full and partial, from the leaves up."""
    counts = (-(-(size >> HEIGHT * level) // WIDTH) for level in range(_levels(size)))
    return [tile_at(level, n, size) for level, count in enumerate(counts) for n in range(count)]


def _levels(size: int) -> int:
    return -(-size.bit_length() // HEIGHT)


def parse_path(path: str) -> TileId | BundleId:
    """Return the tile or bundle of a path below the log's prefix. Raises Malformed.

    Only one spelling of each is accepted, and only those that a tree of at most 2**62 leaves can have.
    """
    found = _PATH.fullmatch(path) if len(path) <= _MAX_PATH else None
    if found is None:
        raise Malformed("tile path", f"{shortened(path)} is not tile/<level or entries>/<index>[.p/<width>]")
    kind, index, partial = found.groups()
    n, width = int(index.replace("x", "").replace("/", "")), int(partial or WIDTH)
    if partial and width >= WIDTH:
        raise Malformed("tile path", f"width {width} in {path!r} is not between 1 and {WIDTH - 1}")
    level = 0 if kind == "entries" else int(kind)
    if n * WIDTH + width > MAX_SIZE >> HEIGHT * level:
        raise Malformed("tile path", f"no tree of at most {MAX_SIZE} leaves has {path!r}")
    tile = BundleId(n, width) if kind == "entries" else TileId(level, n, width)
    if tile.path != path:
        raise Malformed("tile path", f"{path!r} is to be written {tile.path!r}")
    return tile


def check_tile(tile: TileId, data: bytes) -> None:
    """Refuse data that has not exactly the tile's width. Raises Malformed."""
    if len(data) != tile.width * HASH_BYTES:
        raise Malformed(tile.path, f"has {len(data)} bytes, not {tile.width * HASH_BYTES}")


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Return one to 256 entries as a bundle, each after its length as two bytes, big-endian. Raises Malformed."""
    if not 1 <= len(entries) <= WIDTH:
        raise Malformed("entry bundle", f"has {len(entries)} entries, not 1 to {WIDTH}")
    parts: list[bytes] = []
    for at, entry in enumerate(entries):
        if len(entry) > MAX_ENTRY_BYTES:
            raise Malformed("entry bundle", f"entry {at} has {len(entry)} bytes, more than {MAX_ENTRY_BYTES}")
        parts += len(entry).to_bytes(2, "big"), entry
    return b"".join(parts)


def read_bundle(data: bytes, *, width: int = WIDTH) -> list[bytes]:
    """Return the entries of a bundle, exactly `width` of them. Raises Malformed."""
    entries, at = [], 0
    for _ in range(width):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin], "big")
        entries.append(data[begin:at])
    if at != len(data):
        raise Malformed("entry bundle", f"its {width} entries take {at} bytes or more, but it has {len(data)}")
    return entries


def _place(n: int, width: int) -> str:
    digits = str(n)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *high, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    path = "".join(f"x{group}/" for group in high) + last
    return path if width == WIDTH else f"{path}.p/{width}"
