"""Proofs in one file, by the letter of c2sp.org/tlog-proof."""

import base64

import pytest
from ledgers import ORIGIN, SEED, flipped, grown, leaves_of

from holdfast.core.audit.ledger.checkpoints import Checkpoint, KeyRange, sign_checkpoint
from holdfast.core.audit.ledger.notes import SignerKey
from holdfast.core.audit.ledger.proofs import Proof, parse_proof
from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed, Unproven
from holdfast.core.audit.ledger.tree import inclusion_proof

pytestmark = pytest.mark.unit

SIGNER = SignerKey(ORIGIN, SEED)
KEYS = [KeyRange(SIGNER.verifier)]
LEAVES = leaves_of(300)
EDGE, TILES = grown(LEAVES)
CHECKPOINT = sign_checkpoint(Checkpoint(ORIGIN, 300, EDGE.root()), SIGNER)
HOPS = tuple(inclusion_proof(273, 300, TILES))
PROOF = Proof(273, HOPS, CHECKPOINT)
WORDS = "\n".join(base64.b64encode(hop).decode() for hop in HOPS)
SMALL = sign_checkpoint(Checkpoint(ORIGIN, 1, LEAVES[0]), SIGNER)


def test_a_proof_is_written_as_specified_and_read_again():
    assert PROOF.data == f"c2sp.org/tlog-proof@v1\nindex 273\n{WORDS}\n\n".encode() + CHECKPOINT
    assert parse_proof(PROOF.data) == PROOF
    extra = Proof(273, HOPS, CHECKPOINT, b"extra information")
    assert extra.data.startswith(b"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 273\n")
    assert parse_proof(extra.data) == extra
    alone = Proof(0, (), SMALL)
    assert alone.data == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SMALL
    assert parse_proof(alone.data) == alone


def test_a_proof_proves_one_leaf_of_one_log():
    opened = PROOF.verify(leaf=LEAVES[273], origin=ORIGIN, keys=KEYS)
    assert opened.checkpoint.size == 300
    Proof(0, (), SMALL).verify(leaf=LEAVES[0], origin=ORIGIN, keys=KEYS)
    other = SignerKey(ORIGIN, bytes(32)).verifier
    for proof, values in (
        (PROOF, {"leaf": LEAVES[272]}),
        (PROOF, {"origin": "other.example"}),
        (PROOF, {"keys": [KeyRange(other)]}),
        (PROOF, {"keys": [KeyRange(SIGNER.verifier, 301)]}),
        (Proof(272, HOPS, CHECKPOINT), {}),
        (Proof(300, HOPS, CHECKPOINT), {}),
        (Proof(273, HOPS[1:], CHECKPOINT), {}),
        (Proof(273, (*HOPS, HOPS[0]), CHECKPOINT), {}),
        (Proof(273, (flipped(HOPS[0]), *HOPS[1:]), CHECKPOINT), {}),
        (Proof(273, HOPS, SMALL), {}),
    ):
        with pytest.raises(Unproven):
            proof.verify(**{"leaf": LEAVES[273], "origin": ORIGIN, "keys": KEYS} | values)


HEAD, TAIL = b"c2sp.org/tlog-proof@v1\n", b"\n" + SMALL
MALFORMED = [
    # After transparency-dev/formats, proof/tlog_proof_test.go.
    b"wrong-header\nindex 0\n" + TAIL,
    HEAD + b"extra !!notbase64!!\nindex 0\n" + TAIL,
    HEAD + b"\n" + TAIL,
    HEAD + b"index notanumber\n" + TAIL,
    HEAD + b"index -5\n" + TAIL,
    HEAD + b"index 0\n!!notbase64!!\n" + TAIL,
    HEAD + b"index 0\n" + base64.b64encode(bytes(64)) + b"\n" + TAIL,
    HEAD + b"index 0\n" + b"a" * 65 * 1024 + b"\n",
    # Ours.
    b"",
    HEAD,
    HEAD + TAIL,
    HEAD.upper() + b"index 0\n" + TAIL,
    HEAD.replace(b"v1", b"v2") + b"index 0\n" + TAIL,
    HEAD + b"index 00\n" + TAIL,
    HEAD + b"index  0\n" + TAIL,
    HEAD + b"index 0 \n" + TAIL,
    HEAD + b"index %d\n" % MAX_SIZE + TAIL,
    HEAD + b"index 0\r\n" + TAIL,
    HEAD + b"extra \nindex 0\n" + TAIL,
    HEAD + b"extra\nindex 0\n" + TAIL,
    HEAD + b"index 0\nextra AAAA\n" + TAIL,
    HEAD + b"extra AAAA\nextra AAAA\nindex 0\n" + TAIL,
    HEAD + b"extra AAAA\n" + TAIL,
    HEAD + b"extra " + base64.b64encode(bytes(65_537)) + b"\nindex 0\n" + TAIL,
    HEAD + b"index 0\n" + (base64.b64encode(bytes(32)) + b"\n") * 63 + TAIL,
    HEAD + b"index 0\n\nno checkpoint\n",
    HEAD + b"index 0\n" + TAIL[:-1],
    HEAD + b"index 0\n\n" + TAIL,
    HEAD + b"index 0\n\n" + SMALL.split(b"\n\n")[0] + b"\n",
    b"\xff" + HEAD + b"index 0\n" + TAIL,
    b"x" * 2_000_000,
]


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_proof_is_refused(data: bytes):
    with pytest.raises(Malformed):
        parse_proof(data)


def test_as_many_hashes_as_the_largest_tree_needs_are_read():
    proof = Proof(0, (bytes(32),) * 62, SMALL)
    assert parse_proof(proof.data) == proof


@pytest.mark.parametrize(
    "values",
    [
        (-1, ()),
        (MAX_SIZE, ()),
        (0, (b"short",)),
        (0, (bytes(32),) * 63),
        (0, (), b"no note"),
        (0, (), SMALL, bytes(65_537)),
    ],
)
def test_a_proof_is_checked_when_it_is_made(values):
    index, hops, *rest = values
    with pytest.raises(Malformed):
        Proof(index, hops, *(rest or [SMALL]))
