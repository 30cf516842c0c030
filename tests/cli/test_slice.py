"""`holdfast slice new` writes a slice that keeps the rules and passes its tests, in a copy of the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.cli import main
from holdfast.cli.slices import LONGEST
from support import REQUIRED

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "build", "__pycache__", ".*_cache", "*.egg-info", "docs")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    monkeypatch.chdir(copy)
    return copy


def run(folder: Path, *command: str) -> str:
    info = folder / "installed" / "holdfast_visitors-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: holdfast-visitors\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[holdfast.apps]\nvisitors = holdfast.apps.visitors.app:APP\n")
    paths = os.pathsep.join(map(str, (folder / "src", folder / "installed", folder / "tests")))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(240)
def test_a_new_slice_keeps_the_rules_and_passes_its_tests(checkout, capsys):
    assert main(["slice", "new", "visitors", "--entity", "visit_entry", "--title", "Visitors"]) == 0
    written = capsys.readouterr().out.splitlines()
    assert "src/holdfast/apps/visitors/endpoints/visit_entries/by_visit_entry_id.py" in written
    assert 'visitors = "holdfast.apps.visitors.app:APP"' in (checkout / "pyproject.toml").read_text()
    run(checkout, "-m", "ruff", "format", "--check", ".")
    run(checkout, "-m", "ruff", "check", ".")
    run(checkout, "-m", "mypy", "-p", "holdfast.apps.visitors")
    run(checkout, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache")
    assert run(checkout, "-m", "tools.lint") == ""
    said = run(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/apps")
    assert "6 passed" in said or ("skipped" in said and not REQUIRED), said
    found = "/api/v1/visitors/visit-entries/{visit_entry_id} visitors.visit_entry.delete"
    assert found in run(checkout, "-c", "from holdfast.cli import main; main()", "routes")


@pytest.mark.parametrize(("name", "entity"), [("a", "b"), ("a" * LONGEST, "b" * LONGEST), ("a_b", "c" * 18 + "_y")])
def test_names_of_any_length_are_in_shape(checkout, capsys, name, entity):
    assert main(["slice", "new", name, "--entity", entity]) == 0
    new = [path for path in capsys.readouterr().out.splitlines() if path.endswith(".py")]
    run(checkout, "-m", "ruff", "format", "--diff", *new)
    run(checkout, "-m", "ruff", "check", *new)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Bad-Name"], "NAME 'Bad-Name'"),
        (["class"], "no keyword"),
        (["visitors", "--entity", "X"], "--entity 'X'"),
        (["directory"], "There is an app directory already"),
        (["org"], "There is an app org already"),
        (["visitors", "--entity", "work"], "every slice uses"),
        (["visitors", "--entity", "company"], "another slice"),
        (["visitors", "--title", 'The "good" ones'], "--title"),
        (["v" * 21], "longer than 20"),
    ],
)
def test_a_bad_name_is_refused(monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(ROOT)
    assert main(["slice", "new", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert not (ROOT / "src/holdfast/apps" / arguments[0]).exists()


def test_it_writes_only_into_a_checkout(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["slice", "new", "visitors"]) == 1
    assert "in none" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
