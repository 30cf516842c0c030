"""CONTRIBUTING's endpoint in five minutes: its blocks, applied to a copy of the source, give what they promise."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serving import serve
from support import PASSWORD, installation_on, make_org

pytestmark = pytest.mark.endpoint

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"(Add to the end of|New file)\s`([^`]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with the blocks of the page applied."""
    tmp_path = tmp_path_factory.mktemp("tree")
    skipped = shutil.ignore_patterns("__pycache__", "vendor")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=skipped)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=skipped)
    for name in ("pyproject.toml", ".importlinter"):
        shutil.copy(ROOT / name, tmp_path)
    blocks = BLOCK.findall(TEXT)
    assert len(blocks) == 5
    for how, path, code in blocks:
        file = tmp_path / path
        assert file.exists() is (how == "Add to the end of"), path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = f"{file.read_text().rstrip()}\n\n\n" if file.exists() else ""
        file.write_text(before + code)
    return tmp_path


def environment_of(tree: Path) -> dict[str, str]:
    others = [path for path in sys.path if path and Path(path) not in (ROOT / "src", ROOT / "tests")]
    return {"PYTHONPATH": os.pathsep.join([str(tree / "src"), *others])}


def run(tree: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env={**os.environ, **environment_of(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_house_accepts_the_blocks(tree: Path):
    run(tree, "tools/lint.py")
    run(tree, "-m", "ruff", "check", "src/holdfast/core/directory", "tests/core/directory")
    run(tree, "-m", "ruff", "format", "--check", "src/holdfast/core/directory", "tests/core/directory/test_closing.py")
    line = "POST /api/v1/org/companies/{company_id}/close directory.company.update src/holdfast/core/directory/"
    routes = run(tree, "-c", "from holdfast.cli import main; main(['routes'])")
    assert f"\n{line}endpoints/companies/by_company_id/close.py\n" in routes


def test_its_test_passes(tree: Path):
    told = run(
        tree, "-m", "pytest", "-q", "-n0", "-p", "no:randomly", "-k", "sqlite", "tests/core/directory/test_closing.py"
    )
    assert "1 passed" in told


async def test_the_served_program_answers(tree: Path):
    async with installation_on("sqlite") as home:
        org = await make_org(home, password=True)
        with serve(home.settings, **environment_of(tree)) as served:
            async with httpx.AsyncClient(base_url=served.url) as client:
                name = {"email": org.admin.email, "password": PASSWORD}
                signed_in = await client.post("/api/v1/auth/login", json=name)
                bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
                made = await client.post("/api/v1/org/companies", json={"code": "A", "name": "Ada"}, headers=bearer)
                url = f"{made.headers['location']}/close"
                closed = await client.post(url, json={"reason": "Merged"}, headers=bearer)
                assert (closed.status_code, closed.json()["status"]) == (200, "inactive"), closed.text
