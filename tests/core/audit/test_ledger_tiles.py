"""Where tiles and entry bundles are, and what stands in a bundle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed
from holdfast.core.audit.ledger.tiles import (
    MAX_ENTRY_BYTES,
    BundleId,
    TileId,
    all_tiles,
    check_tile,
    edge_tiles,
    parse_path,
    read_bundle,
    tile_at,
    write_bundle,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 1_234_067), "tile/0/x001/x234/067"),  # the specification's own example
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 0, 1), "tile/0/000.p/1"),
        (TileId(1, 999, 255), "tile/1/999.p/255"),
        (TileId(2, 1000), "tile/2/x001/000"),
        (TileId(7, 0, 64), "tile/7/000.p/64"),
        (BundleId(1_000_000, 7), "tile/entries/x001/x000/000.p/7"),
        (BundleId(3), "tile/entries/003"),
        (TileId(0, 2**54 - 1), "tile/0/x018/x014/x398/x509/x481/983"),
    ],
)
def test_a_tile_has_one_path(tile: TileId | BundleId, path: str):
    assert tile.path == path
    assert parse_path(path) == tile
    assert type(parse_path(path)) is type(tile)


@given(level=st.integers(0, 7), data=st.data())
def test_every_tile_that_can_be_is_found_again(level: int, data):
    width = data.draw(st.integers(1, min(256, MAX_SIZE >> 8 * level)))
    n = data.draw(st.integers(0, ((MAX_SIZE >> 8 * level) - width) // 256))
    assert parse_path(TileId(level, n, width).path) == TileId(level, n, width)


@pytest.mark.parametrize(
    "path",
    [
        "", "/tile/0/000", "tile/0/000/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/x/000", "tile/0", "tile/0/",
        "tile/0/0", "tile/0/0000", "tile/0/x001", "tile/0/001/002", "tile/0/x000/001", "tile/0/x01/001", "tile/0/X001/001",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/999", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1000",
        "tile/0/000.p/1\n", "tile/0/000\n", "tile/8/0/000", "tile/entries/0/000", "tile/0/٠٠٠", "tile/9/000",
        "tile/7/000.p/65", "tile/7/000", "tile/7/001.p/1", "tile/entries/x018/x014/x398/x509/x481/984", "tile/0/" + "x001/" * 5000 + "000",
        "tile/8/000.p/1",
    ],
)  # fmt: skip
def test_another_spelling_or_an_impossible_tile_is_refused(path: str):
    with pytest.raises(Malformed, match="tile path"):
        parse_path(path)


def test_a_tree_has_the_tiles_of_the_specifications_examples():
    tiles = all_tiles(70_000)
    assert [tiles.count(TileId(0, n)) for n in range(273)] == [1] * 273
    assert tiles[273:] == [TileId(0, 273, 112), TileId(1, 0), TileId(1, 1, 17), TileId(2, 0, 1)]
    assert edge_tiles(70_000) == [TileId(0, 273, 112), TileId(1, 1, 17), TileId(2, 0, 1)]
    assert all_tiles(256) == [TileId(0, 0), TileId(1, 0, 1)]
    assert edge_tiles(256) == [TileId(1, 0, 1)]
    assert all_tiles(0) == edge_tiles(0) == []
    assert tile_at(0, 273, 70_000).width == 112
    assert tile_at(0, 274, 70_000).width < 1


def test_a_tile_of_another_length_is_refused():
    check_tile(TileId(0, 0, 2), bytes(64))
    for data in (b"", bytes(63), bytes(65), bytes(96)):
        with pytest.raises(Malformed, match=r"tile/0/000\.p/2: has \d+ bytes, not 64"):
            check_tile(TileId(0, 0, 2), data)


def test_a_bundle_is_lengths_and_entries():
    assert write_bundle([b"a", b"", b"bc"]) == b"\x00\x01a\x00\x00\x00\x02bc"
    assert read_bundle(b"\x00\x01a\x00\x00\x00\x02bc", width=3) == [b"a", b"", b"bc"]
    largest = [bytes(MAX_ENTRY_BYTES)] * 256
    assert read_bundle(write_bundle(largest)) == largest


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_what_is_in_a_bundle_comes_out_of_it(entries: list[bytes]):
    assert read_bundle(write_bundle(entries), width=len(entries)) == entries


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(MAX_ENTRY_BYTES + 1)]])
def test_what_does_not_fit_in_a_bundle_is_refused(entries: list[bytes]):
    with pytest.raises(Malformed, match="entry bundle"):
        write_bundle(entries)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01a", b"\x00\x01a\x00\x00x", bytes(6)]
)
def test_a_bundle_with_too_little_or_too_much_is_refused(data: bytes):
    with pytest.raises(Malformed, match="entry bundle"):
        read_bundle(data, width=2)
