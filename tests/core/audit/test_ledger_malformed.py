"""Whatever the parsers and verifiers of the ledger are given, they answer or raise one of two errors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import ORIGIN, SEED, grown, leaves_of

from holdfast.core.audit.ledger.checkpoints import (
    Checkpoint,
    KeyRange,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from holdfast.core.audit.ledger.notes import COSIGNATURE, SignerKey, open_note, parse_note, parse_signer, parse_verifier
from holdfast.core.audit.ledger.proofs import Proof, parse_proof
from holdfast.core.audit.ledger.reading import Malformed, Unproven
from holdfast.core.audit.ledger.tiles import TileId, parse_path, read_bundle, write_bundle
from holdfast.core.audit.ledger.tree import (
    append,
    consistency_proof,
    inclusion_proof,
    read_edge,
    verify_consistency,
    verify_inclusion,
)

pytestmark = pytest.mark.unit

LEAVES = leaves_of(20)
EDGE, TILES = grown(LEAVES)
SIGNER, WITNESS = SignerKey(ORIGIN, SEED), SignerKey("witness.example", SEED, COSIGNATURE)
HEAD = Checkpoint(ORIGIN, 20, EDGE.root())
SIGNED = sign_checkpoint(HEAD, SIGNER) + WITNESS.sign(HEAD.text, time=1_700_000_000).encode()
PROOF = Proof(7, tuple(inclusion_proof(7, 20, TILES)), SIGNED, b"extra").data
KEYS = [KeyRange(SIGNER.verifier)]


def proven(data: bytes) -> None:
    parse_proof(data).verify(leaf=LEAVES[7], origin=ORIGIN, keys=KEYS, witnesses=[WITNESS.verifier])


BYTES = {
    "note": (parse_note, SIGNED),
    "opened note": (lambda data: open_note(data, [SIGNER.verifier, WITNESS.verifier]), SIGNED),
    "checkpoint": (
        lambda data: open_checkpoint(data, origin=ORIGIN, keys=KEYS, witnesses=[WITNESS.verifier]),
        SIGNED,
    ),
    "proof": (proven, PROOF),
    "bundle": (lambda data: read_bundle(data, width=3), write_bundle([b"one", b"", b"three"])),
}
TEXTS = {
    "checkpoint's text": (parse_checkpoint, HEAD.text),
    "verifier key": (parse_verifier, WITNESS.verifier.text),
    "signer key": (parse_signer, SIGNER.text),
    "path": (parse_path, "tile/0/x001/x234/067.p/8"),
}


def answers(call, *args, **values) -> None:
    fault = None
    try:
        call(*args, **values)
    except (Malformed, Unproven) as raised:
        fault = raised
    assert fault is None or (fault.what and fault.why and len(str(fault)) < 400)


def mutants(valid, alphabet):
    """What is nearly right: some places replaced, taken out, doubled, or cut off."""

    def mutate(places):
        found = valid
        for place, kind, piece in places:
            at = place % (len(found) + 1)
            found = {
                "replace": found[:at] + piece + found[at + len(piece) :],
                "insert": found[:at] + piece + found[at:],
                "delete": found[:at] + found[at + 1 + len(piece) :],
                "double": found[:at] + found[at // 2 :],
                "cut": found[:at],
            }[kind]
        return found

    kinds = st.sampled_from(("replace", "insert", "delete", "double", "cut"))
    return st.lists(st.tuples(st.integers(0, 2_000), kinds, alphabet), min_size=1, max_size=4).map(mutate)


@pytest.mark.parametrize("name", BYTES)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_bytes(name: str, data):
    parse, valid = BYTES[name]
    parse(valid)
    pieces = st.one_of(
        st.binary(max_size=4), st.sampled_from((b"\n", b"\n\n", b" ", b"+", b"=", "— ".encode(), b"index "))
    )
    answers(parse, data.draw(st.one_of(st.binary(max_size=300), mutants(valid, pieces))))


@pytest.mark.parametrize("name", TEXTS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_text(name: str, data):
    parse, valid = TEXTS[name]
    parse(valid)
    strange = st.text(st.characters(codec=None, exclude_categories=()), max_size=4)
    pieces = st.one_of(strange, st.sampled_from(("\n", " ", "+", "=", "0", "x", "/", "٣", "\ud800", "９")))
    answers(
        parse, data.draw(st.one_of(st.text(st.characters(exclude_categories=()), max_size=200), mutants(valid, pieces)))
    )


NUMBERS = st.one_of(st.integers(-3, 70), st.integers(-(2**64), 2**64))
HASHES = st.one_of(st.sampled_from(LEAVES), st.binary(max_size=40))


@settings(deadline=None, max_examples=300)
@given(first=NUMBERS, second=NUMBERS, one=HASHES, two=HASHES, hops=st.lists(HASHES, max_size=70))
def test_any_sizes_and_hashes(first, second, one, two, hops):
    answers(verify_inclusion, index=first, size=second, leaf=one, root=two, proof=hops)
    answers(verify_consistency, old=first, new=second, old_root=one, new_root=two, proof=hops)
    answers(append, EDGE, hops)


@settings(deadline=None, max_examples=200)
@given(
    first=NUMBERS,
    second=NUMBERS,
    tiles=st.dictionaries(
        st.builds(TileId, st.integers(0, 8), st.integers(0, 3), st.integers(-2, 300)), st.binary(max_size=99)
    ),
)
def test_any_tiles(first, second, tiles):
    for held in (tiles, TILES | tiles):
        answers(inclusion_proof, first, second, held)
        answers(consistency_proof, first, second, held)
        answers(read_edge, second, held)
