"""What the ledger writes, checked by other people's code: golang.org/x/mod/sumdb as Debian packages it."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ledgers import ORIGIN, SEED, flipped, grown, mth

from holdfast.core.audit.ledger.checkpoints import Checkpoint, sign_checkpoint
from holdfast.core.audit.ledger.notes import COSIGNATURE, SignerKey
from holdfast.core.audit.ledger.tiles import all_tiles
from holdfast.core.audit.ledger.tree import consistency_proof, inclusion_proof, leaf_hashes
from support import REQUIRED

pytestmark = pytest.mark.unit

SOURCE = Path(__file__).parent / "foreign" / "verify.go"
LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
SIZE, OLD_SIZE = 70_000, 65_535
SIGNER = SignerKey(ORIGIN, SEED)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built as Debian's packages allow: without modules, without network."""
    go = shutil.which("go")
    if go is None or not LIBRARY.exists():
        if REQUIRED:
            pytest.fail("golang-go or golang-golang-x-mod-dev is missing and REQUIRE_SERVICES=1 allows no skip")
        pytest.skip("golang-go or golang-golang-x-mod-dev is not installed")
    folder = tmp_path_factory.mktemp("go")
    set_up = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    subprocess.run(
        [go, "build", "-o", str(folder / "verify"), str(SOURCE)], env=os.environ | set_up, check=True, timeout=110
    )
    return folder / "verify"


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_other_peoples_code_accepts_what_we_wrote_and_refuses_what_was_changed(verifier: Path, tmp_path: Path):
    entries = [b"entry %d" % number for number in range(SIZE)]
    leaves = leaf_hashes(entries)
    edge, tiles = grown(leaves, by=1_000)
    for tile in all_tiles(SIZE):
        (tmp_path / tile.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / tile.path).write_bytes(tiles[tile])
    head = Checkpoint(ORIGIN, SIZE, edge.root())
    signed = sign_checkpoint(head, SIGNER)
    witness = SignerKey("witness.example/w1", SEED, COSIGNATURE)
    cosigned = signed + witness.sign(head.text, time=1_700_000_000).encode()
    hops = consistency_proof(OLD_SIZE, SIZE, tiles)

    def case(index: int, /, **values: object) -> dict[str, object]:
        right = {
            "key": SIGNER.verifier.text,
            "checkpoint": cosigned.decode(),
            "origin": ORIGIN,
            "index": index,
            "entry": text(entries[index]),
            "inclusion": [text(hop) for hop in inclusion_proof(index, SIZE, tiles)],
            "oldSize": OLD_SIZE,
            "oldRoot": text(mth(leaves[:OLD_SIZE])),
            "consistency": [text(hop) for hop in hops],
            "folder": str(tmp_path),
        }
        return right | values

    accepted = [case(index) for index in (0, 1, 255, 256, 65_535, 65_536, SIZE - 1)]
    other = SignerKey(ORIGIN, SEED[::-1])
    inclusion = inclusion_proof(7, SIZE, tiles)
    spoiled = tmp_path / "spoiled"
    shutil.copytree(tmp_path / "tile", spoiled / "tile")
    (spoiled / "tile" / "0" / "000").write_bytes(flipped(tiles[all_tiles(SIZE)[0]], 300))
    refused = [
        case(7, entry=text(b"entry 8")),
        case(7, index=8),
        case(7, key=other.verifier.text),
        case(7, checkpoint=signed.decode().replace("70000", "70001")),
        case(7, checkpoint=sign_checkpoint(Checkpoint(ORIGIN, SIZE, flipped(head.root)), SIGNER).decode()),
        case(7, checkpoint=sign_checkpoint(head, other).decode()),
        case(7, inclusion=[text(flipped(inclusion[0])), *map(text, inclusion[1:])]),
        case(7, inclusion=[*map(text, inclusion[1:])]),
        case(7, oldRoot=text(flipped(mth(leaves[:OLD_SIZE])))),
        case(7, oldSize=OLD_SIZE - 1),
        case(7, consistency=[*map(text, hops[:-1]), text(flipped(hops[-1]))]),
        case(7, consistency=[]),
        case(7, folder=str(spoiled)),
    ]
    done = subprocess.run(
        [str(verifier)], input=json.dumps(accepted + refused), capture_output=True, text=True, check=True, timeout=60
    )
    said = done.stdout.splitlines()
    assert said[: len(accepted)] == ["ok"] * len(accepted)
    assert len(said) == len(accepted) + len(refused)
    assert "ok" not in said[len(accepted) :], said[len(accepted) :]
