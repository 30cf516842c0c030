"""The Merkle tree of the ledger: published values, RFC 6962 word for word, pymerkle as a second opinion."""

import base64
import random
from itertools import pairwise

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import AllAlike, flipped, grown, hashes, leaves_of, mth, path, proof

from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed, Unproven
from holdfast.core.audit.ledger.tiles import TileId, all_tiles, edge_tiles
from holdfast.core.audit.ledger.tree import (
    EMPTY_ROOT,
    Edge,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    read_edge,
    tiles_for_consistency,
    tiles_for_inclusion,
    verify_consistency,
    verify_inclusion,
)

pytestmark = pytest.mark.unit

# ── published values ─────────────────────────────────────────────────────────────────────────────────────────────────

# The eight leaves of Certificate Transparency's reference implementation and the roots of the first 0 to 8 of them;
# the same values stand in transparency-dev/merkle, proof/verify_test.go.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
N01, N23, N45 = (
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
)
N47, N67, LEAF4 = (
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
)
LEAF0, LEAF1, LEAF6 = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
)
N03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
# Same source.
INCLUSION = {(0, 8): (LEAF1, N23, N47), (5, 8): (LEAF4, N67, N03), (2, 3): (N01,), (1, 5): (LEAF0, N23, LEAF4)}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (LEAF1, N23, N47),
    (6, 8): (N45, N67, N03),
    (2, 5): (N23, LEAF4),
    (6, 7): (N45, LEAF6, N03),
}
# The log Argon 2020 of Google, from golang.org/x/mod, sumdb/tlog/testdata/argon2020 and ct_test.go.
ARGON_SIZE, ARGON_ROOT = 961_984_013, "dwlueapdd7LaOEnX2W2Wp9v2XE+KzejHRQGHwEx0oaM="
ARGON_INDEX, ARGON_LEAF = 10_000, "nCs3mfIydh9x4CKyQ+u2xtmpxmFggA5MLymHwNQSlLg="
ARGON_OLD_SIZE, ARGON_OLD_ROOT = 3_654_490, "AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ="
ARGON_SHARED = """
GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0= pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=
f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA= WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=
f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ= NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=
C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI= nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=
"""
ARGON_INCLUSION = f"""
T46AmJsuOM/gFiGlUp+IJJebp+1Z5qratFNW7U0JyOQ= 9Jj1Feodn42uRYEfffkV4HF/EIPFQ5Zo9IwkxbQ2uhk=
D53/1oCNebF4J59HHgioovKZxrmrKcVuCVhy3Izg8Ck= wSFDgGSrsXRPA+1c8WHoAFCsWeUv8NDyP/Q/SgsyVyY=
516/RcwsgdwdzHn18v1dJHqBkgFUbNhmCIWOGjsMJaE= naTFY2ajLFgrgs5XUl+zJYZnnlJksLGsA1VYwpLfqbY=
mKBRJo6qao+0Kdh/rhGkZUbHUAxMhrtrclrTpIbNjIg= Co4ueOFE7lpifLio94irxxsv1wFMMaK3tPu2ZQkHlro=
yRgy800K6JMYCC05sWfqF2kvCg2riT/pVM+nEa6V5+0= n2O38XJZC8/Wpbwi9HhgVizlUyeUHVZvYyQB1607MRc=
go3tAjuNfNSCj87y2Rg1xOroDknGN1eaf3cgvzObf7Q= 8D0Mj3/J7ySSnFb0afIHYXv6rlOhECnsebY6XKi1IR8=
6rcez46ZU8M5vPiWVMAUfJfAOV0pPP/mch/lYzZhj/M= 2rtIeXrPvSdUyHc5maIgSAVB2BzaKaupWxSAiVayDE4=
nniW/IMFQPN5xw8UsHFn7CRStYbm1gLu7NNa6kkRqJQ= mRPPi7sQS22MduIEyvcNzCNFqIt6kLwYPkNKrVtIcu8=
JvTivzESNS9wHI8aph5a7uieVmtS/p9PciMZ5D6GyOo= UTyQd+Ym0wY4zG+qK806bBORwi1CSVvFQ/KknnqoZj8=
hXODrqN+ff+U6zPqRQ+ZQKs6im1fPcxIerDSfNwflhE= II6GE+WY/DrpZzfHztLwkR46o37zVkNLCyPYlf68zA0=
d609kWWcNBllbA8Jb/ad4XAVVGnScLRmtP8FYyr+Dck= rikBsP0G0gioXRpBFED2CzQdSLrGPvRd0bEcbEZw1rI=
{ARGON_SHARED}"""
ARGON_CONSISTENCY = f"""
80Sfbj6UQEdVSZCSIgh9NMPj3vCBzcc1A48B2crJSWg= FZcrgAHUk6nNPviJZq8kEK6jCG1d18pJOFE45ZDc1TQ=
Q67reWXmPBo1UfmwBap4Xi9PMPfFdUSSw3WGlRZdG7k= eJ7CyhR4PxzBxDIsWgrVYW1eFUb9ndgf46tFmiqVrxA=
QrDwp062Grm5WY8KdrhFsBuuNjGzRox2Jb8PmVL5OYw= XM4YMjMEdLH/XJam/ZWyaP14k3cmsOtnPsOWQ54lW1s=
SGiBh+jOTGccXU48ZzgQ88lRcBmtB4wz4oSDndv2QTg= WAS6txqNLYKGL1GdBdpqmV42TTfn6cJsuDsqLXuTCNI=
QFmRS0rirUA7ZN3lxFjDncV+E1OCrn3NUB4RCp+5fzc= Hdbp7It2XBNZmNDBpCN/KPd7vfVqxgzwOosqVIaEA9E=
mxvHL0ZiblBdD7j7pIa1jlfB0gSqfJ6oX0UGo7L0VsU= q5hjyvoW6TL/PThgcitpDcSTrnKX2p1+aqscqH2euRA=
jTOWDqt3IHj2NVFeezyBz2ofpru+ztEywqKUAfFclKI= GIRn0w3HqJdvU9j1WVD//eR6lk2AaTVjyzjsJNP8U88=
x52GJvxG81fnQBrgOTbll1A5tz95/LXK0Ag1NhB0r1I= 6/0OqrcTgc3o5dD5PymmoC96lB9yLPFuTHVvLy8fSGk=
Gf+iKLfcXO5l4JEFmsZvSdG5q1uEeWPfYLrds6pmjz0= DGuaco+McyM3AfRSF6qX7RwSetwe2ieYJmxw5e9rVx0=
2tQJ9V32hnYp+fdpP6TcjmgJmLeNVOMKM0Ml1kk4cNU= 3PapK+IkyJr8I9yAErAmzuZezzLMzsg+PfeRCgNW8NQ=
s6xiYeejb+wtqHA+URJZ2I/SCPyIW8coP6aB00FJbMY= z9lSpmdTcr5M5ZzKlc4EPh3SrSypKFdk6JUF/UccaZU=
{ARGON_SHARED}"""


def test_published_roots_and_proofs_come_out():
    leaves = leaf_hashes(LEAVES)
    assert leaves[0] == leaf_hash(b"")
    assert ROOTS[0] == EMPTY_ROOT
    assert [grown(leaves[:size])[0].root() for size in range(9)] == ROOTS
    for (index, size), told in INCLUSION.items():
        known = [bytes.fromhex(each) for each in told]
        assert inclusion_proof(index, size, grown(leaves[:size])[1]) == known
        verify_inclusion(index=index, size=size, leaf=leaves[index], proof=known, root=ROOTS[size])
    for (old, new), told in CONSISTENCY.items():
        known = [bytes.fromhex(each) for each in told]
        assert consistency_proof(old, new, grown(leaves[:new])[1]) == known
        verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=known)


def test_proofs_of_a_large_public_log_verify():
    root, leaf, old_root = map(base64.b64decode, (ARGON_ROOT, ARGON_LEAF, ARGON_OLD_ROOT))
    verify_inclusion(index=ARGON_INDEX, size=ARGON_SIZE, leaf=leaf, proof=hashes(ARGON_INCLUSION), root=root)
    verify_consistency(
        old=ARGON_OLD_SIZE, new=ARGON_SIZE, old_root=old_root, new_root=root, proof=hashes(ARGON_CONSISTENCY)
    )


# ── against the words of RFC 6962 ────────────────────────────────────────────────────────────────────────────────────


def test_every_tree_of_up_to_70_leaves_is_the_one_of_the_rfc():
    leaves, roots = leaves_of(70), [mth(leaves_of(size)) for size in range(71)]
    for size in range(71):
        edge, tiles = grown(leaves[:size])
        assert edge.root() == roots[size]
        for index in range(size):
            needed = {tile: tiles[tile] for tile in tiles_for_inclusion(index, size)}
            hops = inclusion_proof(index, size, needed)
            assert hops == path(index, leaves[:size])
            verify_inclusion(index=index, size=size, leaf=leaves[index], proof=hops, root=roots[size])
        for old in range(1, size + 1):
            needed = {tile: tiles[tile] for tile in tiles_for_consistency(old, size)}
            hops = consistency_proof(old, size, needed)
            assert hops == proof(old, leaves[:size])
            verify_consistency(old=old, new=size, old_root=roots[old], new_root=roots[size], proof=hops)


def test_proofs_of_trees_of_up_to_100_000_leaves_from_tiles_that_grew_on():
    leaves = leaves_of(100_000)
    chance = random.Random(6962)
    sizes = [255, 256, 257, 65_536, 65_537, 100_000, *(chance.randrange(2, 100_000) for _ in range(3))]
    roots = {size: mth(leaves[:size]) for size in sizes}
    edge, tiles = grown(leaves, by=999)
    assert edge.root() == roots[100_000]
    widest = {(tile.level, tile.n): tiles[tile] for tile in sorted(tiles)}
    for size in sizes:
        assert read_edge(size, {tile: widest[tile.level, tile.n] for tile in edge_tiles(size)}).root() == roots[size]
        for index in {0, size - 1, *(chance.randrange(size) for _ in range(40))}:
            needed = {tile: widest[tile.level, tile.n] for tile in tiles_for_inclusion(index, size)}
            hops = inclusion_proof(index, size, needed)
            verify_inclusion(index=index, size=size, leaf=leaves[index], proof=hops, root=roots[size])
        for old in (each for each in sizes if each <= size):
            needed = {tile: widest[tile.level, tile.n] for tile in tiles_for_consistency(old, size)}
            hops = consistency_proof(old, size, needed)
            verify_consistency(old=old, new=size, old_root=roots[old], new_root=roots[size], proof=hops)


@settings(deadline=None, max_examples=40)
@given(
    entries=st.lists(st.binary(max_size=40), min_size=1, max_size=700),
    cuts=st.lists(st.integers(0, 700)),
    data=st.data(),
)
def test_pymerkle_is_of_the_same_opinion(entries, cuts, data):
    other = pymerkle.InmemoryTree(algorithm="sha256")
    other.append_entries(entries)
    leaves, size, edge, tiles = leaf_hashes(entries), len(entries), Edge(), {}
    bounds = sorted({0, size, *(cut for cut in cuts if cut < size)})
    for begin, end in pairwise(bounds):
        edge, changed = append(edge, leaves[begin:end])
        tiles |= changed
        assert edge.root() == other.get_root(end)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    theirs = other.prove_inclusion(index + 1, size)
    ours = inclusion_proof(index, size, tiles)
    assert theirs.path == [leaves[index], *ours]
    theirs = other.prove_consistency(old, size)
    ours = consistency_proof(old, size, tiles)
    pymerkle.verify_consistency(mth(leaves[:old]), edge.root(), theirs, prior_size=old, later_size=size)
    verify_consistency(old=old, new=size, old_root=other.get_root(old), new_root=edge.root(), proof=ours)
    assert ours == proof(old, leaves)  # theirs is of another form, so each verifies its own between the same roots


# ── growing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", [1, 100, 255, 256, 257, 1024])
def test_a_tree_is_the_same_however_it_grew(by: int):
    leaves = leaves_of(1100)
    whole, at_once = grown(leaves)
    edge, tiles = grown(leaves, by=by)
    assert edge == whole
    assert list(at_once) == all_tiles(1100)
    assert {tile: tiles[tile] for tile in at_once} == at_once
    for size in (0, 1, 255, 256, 257, 700, 1100):
        assert read_edge(size, {**grown(leaves[:size])[1]}) == grown(leaves[:size], by=by)[0]


def test_the_changed_tiles_are_those_that_differ():
    leaves = leaves_of(66_000)
    edge, _ = grown(leaves[:65_535])
    _, changed = append(edge, leaves[65_535:65_536])
    assert list(changed) == [TileId(0, 255), TileId(1, 0), TileId(2, 0, 1)]
    edge, changed = append(edge, leaves[65_535:65_537])
    assert list(changed) == [TileId(0, 255), TileId(0, 256, 1), TileId(1, 0), TileId(2, 0, 1)]
    assert append(edge, []) == (edge, {})
    edge, changed = append(edge, leaves[65_537:65_600])
    assert list(changed) == [TileId(0, 256, 64)]
    assert edge.root() == mth(leaves[:65_600])


def test_the_largest_trees_are_proven_as_small_ones():
    leaf = leaf_hash(b"the same")
    tiles = AllAlike(leaf)
    chance = random.Random(9162)
    for size in (MAX_SIZE, MAX_SIZE - 1, 2**61 + 1, *(chance.randrange(2**40, MAX_SIZE) for _ in range(20))):
        root = read_edge(size, tiles).root()
        index, old = chance.randrange(size), chance.randrange(1, size)
        assert len(tiles_for_inclusion(index, size)) <= 16
        hops = inclusion_proof(index, size, tiles)
        verify_inclusion(index=index, size=size, leaf=leaf, proof=hops, root=root)
        hops = consistency_proof(old, size, tiles)
        older = read_edge(old, tiles).root()
        verify_consistency(old=old, new=size, old_root=older, new_root=root, proof=hops)
    edge, changed = append(read_edge(MAX_SIZE - 1, tiles), [leaf])
    assert edge.root() == read_edge(MAX_SIZE, tiles).root()
    assert [tile.level for tile in changed] == list(range(8))
    with pytest.raises(Malformed, match="a size of"):
        append(edge, [leaf])


@pytest.mark.parametrize(
    "call",
    [
        lambda tiles: read_edge(300, {}),
        lambda tiles: read_edge(-1, tiles),
        lambda tiles: read_edge(300, {**tiles, TileId(0, 1, 44): b"short"}),
        lambda tiles: read_edge(300, {**tiles, TileId(0, 1, 44): tiles[TileId(0, 1, 44)] + b"x"}),
        lambda tiles: read_edge(300, {**tiles, TileId(0, 1, 44): bytes(257 * 32)}),
        lambda tiles: append(Edge(), [b"short"]),
        lambda tiles: inclusion_proof(3, 300, {}),
        lambda tiles: inclusion_proof(300, 300, tiles),
        lambda tiles: inclusion_proof(-1, 300, tiles),
        lambda tiles: inclusion_proof(0, MAX_SIZE + 1, tiles),
        lambda tiles: tiles_for_inclusion(0, 0),
        lambda tiles: consistency_proof(0, 300, tiles),
        lambda tiles: consistency_proof(301, 300, tiles),
        lambda tiles: tiles_for_consistency(-1, 300),
    ],
)
def test_what_cannot_be_read_or_proven_is_called_malformed(call):
    _, tiles = grown(leaves_of(300))
    assert [tile.width for tile in edge_tiles(300)] == [44, 1]
    with pytest.raises(Malformed):
        call(tiles)


# ── what must be refused ─────────────────────────────────────────────────────────────────────────────────────────────


def refused(verify, **values) -> None:
    with pytest.raises((Unproven, Malformed)):
        verify(**values)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 1), (0, 2), (6, 7), (5, 8), (12, 13), (299, 300), (255, 300), (7, 300)]
)
def test_a_tampered_inclusion_proof_is_refused(index: int, size: int):
    leaves = leaves_of(size)
    edge, tiles = grown(leaves)
    hops, root = inclusion_proof(index, size, tiles), edge.root()
    right = {"index": index, "size": size, "leaf": leaves[index], "proof": hops, "root": root}
    verify_inclusion(**right)
    for at in range(len(hops)):
        for byte in (0, 31):
            refused(verify_inclusion, **right | {"proof": [*hops[:at], flipped(hops[at], byte), *hops[at + 1 :]]})
        refused(verify_inclusion, **right | {"proof": [*hops[:at], *hops[at + 1 :]]})
        refused(verify_inclusion, **right | {"proof": [*hops[:at], hops[at][:31], *hops[at + 1 :]]})
    for other in {index - 1, index + 1, index ^ 2, -1, size, size + index} - {index}:
        refused(verify_inclusion, **right | {"index": other})
    # Another size whose path has another shape; the same shape proves the same, whatever size is claimed.
    for other in {0, index, size * 2, size // 2, 2**62 + size} - {size}:
        refused(verify_inclusion, **right | {"size": other})
    for other in (flipped(root), EMPTY_ROOT, b"", leaves[index] if size > 1 else b""):
        refused(verify_inclusion, **right | {"root": other})
    refused(verify_inclusion, **right | {"leaf": flipped(leaves[index])})
    refused(verify_inclusion, **right | {"leaf": b"WrongLeaf"})
    for more in (b"", root, EMPTY_ROOT):
        refused(verify_inclusion, **right | {"proof": [*hops, more]})
        refused(verify_inclusion, **right | {"proof": [more, *hops]})


@pytest.mark.parametrize(
    ("old", "new"), [(1, 2), (1, 8), (6, 8), (2, 5), (6, 7), (7, 13), (256, 300), (299, 300), (3, 300)]
)
def test_a_tampered_consistency_proof_is_refused(old: int, new: int):
    leaves = leaves_of(new)
    hops = consistency_proof(old, new, grown(leaves)[1])
    roots = {"old_root": mth(leaves[:old]), "new_root": mth(leaves)}
    right = {"old": old, "new": new, **roots, "proof": hops}
    verify_consistency(**right)
    for at in range(len(hops)):
        for byte in (0, 31):
            refused(verify_consistency, **right | {"proof": [*hops[:at], flipped(hops[at], byte), *hops[at + 1 :]]})
        refused(verify_consistency, **right | {"proof": [*hops[:at], *hops[at + 1 :]]})
    for other in {old - 1, old + 1, old ^ 2, 0, -1, new, new + 1} - {old}:
        refused(verify_consistency, **right | {"old": other})
    for other in {new * 2, new // 2, old, 0, 2**62 + new} - {new}:
        refused(verify_consistency, **right | {"new": other})
    for name, root in roots.items():
        for other in (flipped(root), EMPTY_ROOT, b"WrongRoot"):
            refused(verify_consistency, **right | {name: other})
    refused(verify_consistency, **right | {"old_root": roots["new_root"], "new_root": roots["old_root"]})
    refused(verify_consistency, **right | {"proof": []})
    for more in (b"", *roots.values(), hops[0]):
        refused(verify_consistency, **right | {"proof": [*hops, more]})
        refused(verify_consistency, **right | {"proof": [more, *hops]})


def test_nothing_is_proven_from_an_empty_tree():
    root = mth(leaves_of(3))
    for old_root, new, new_root in ((EMPTY_ROOT, 0, EMPTY_ROOT), (EMPTY_ROOT, 3, root), (root, 3, root)):
        with pytest.raises(Unproven, match="from a tree of 0 leaves"):
            verify_consistency(old=0, new=new, old_root=old_root, new_root=new_root, proof=[])


def test_two_trees_of_a_size_are_one():
    root = mth(leaves_of(3))
    verify_consistency(old=3, new=3, old_root=root, new_root=root, proof=[])
    for values in ({"new_root": flipped(root)}, {"proof": [root]}):
        with pytest.raises(Unproven, match="have one root"):
            verify_consistency(**{"old": 3, "new": 3, "old_root": root, "new_root": root, "proof": []} | values)
