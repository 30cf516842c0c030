"""The ledger's formats need nothing but Python and cryptography: one file can be made of them."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import cryptography
import pytest
from ledgers import ORIGIN, SEED, grown, leaves_of

import holdfast.core.audit.ledger
from holdfast.core.audit.ledger.checkpoints import Checkpoint, sign_checkpoint
from holdfast.core.audit.ledger.notes import SignerKey
from holdfast.core.audit.ledger.proofs import Proof
from holdfast.core.audit.ledger.tree import inclusion_proof

pytestmark = pytest.mark.unit

PACKAGE = "holdfast.core.audit.ledger"
FOLDER = Path(holdfast.core.audit.ledger.__file__).parent
# Each uses only those before it.
MODULES = ("reading", "tiles", "tree", "notes", "checkpoints", "proofs")
MAIN = """
import json, sys
asked = json.load(sys.stdin)
proof = parse_proof(asked["proof"].encode())
try:
    keys = [KeyRange(parse_verifier(asked["key"]))]
    opened = proof.verify(leaf=leaf_hash(asked["entry"].encode()), origin=asked["origin"], keys=keys)
except Unproven as fault:
    sys.exit(f"unproven: {fault}")
print(opened.checkpoint.size, "holdfast" in " ".join(sys.modules))
"""


def test_only_python_and_cryptography_are_imported():
    assert {file.stem for file in FOLDER.glob("*.py")} == {*MODULES, "__init__"}
    defined: set[str] = set()
    for number, name in enumerate(MODULES):
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                sources = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                for source in sources:
                    top = source.split(".")[0]
                    own = source.removeprefix(f"{PACKAGE}.") in MODULES[:number]
                    assert own or top == "cryptography" or (top in sys.stdlib_module_names and top != "holdfast"), (
                        source
                    )
        # In one file two things of one name would be one.
        names = {name for node in tree.body for name in named(node)}
        assert not names & defined
        defined |= names


def named(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]


def one_file() -> str:
    """Return all modules as one, without what they import of each other."""
    parts = []
    for name in MODULES:
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        tree.body = [
            node
            for node in tree.body
            if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE))
        ]
        parts.append(ast.unparse(tree))
    return "\n".join(parts)


def test_one_file_made_of_them_verifies_in_an_empty_environment(tmp_path: Path):
    leaves, signer = leaves_of(300), SignerKey(ORIGIN, SEED)
    edge, tiles = grown(leaves)
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, 300, edge.root()), signer)
    proof = Proof(273, tuple(inclusion_proof(273, 300, tiles)), checkpoint)
    place = Path(cryptography.__file__).parents[1]
    for needed in ("cryptography", "_cffi_backend*", "cffi"):
        for found in place.glob(needed):
            (tmp_path / found.name).symlink_to(found)
    file = tmp_path / "verify.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{one_file()}\n{MAIN}")
    asked = {"proof": proof.data.decode(), "key": signer.verifier.text, "origin": ORIGIN, "entry": "entry 273"}

    def verify(**values: str) -> subprocess.CompletedProcess[str]:
        base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        return subprocess.run(
            [str(base if base.exists() else sys.executable), "-I", "-S", str(file)],
            input=json.dumps(asked | values),
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    done = verify()
    assert (done.stdout, done.stderr, done.returncode) == ("300 False\n", "", 0)
    done = verify(entry="entry 274")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("unproven: inclusion proof: leads from leaf 273 to another root")
