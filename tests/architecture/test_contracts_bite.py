"""The import contracts hold in this tree, and each of them breaks when what it forbids is planted."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "endpoints", "pages", "jobs", "demo", "public", "service", "queries", "guards", "facts", "schemas")
RUN = "import sys; from importlinter.cli import lint_imports_command; sys.argv[1:] = ['--no-cache']; lint_imports_command()"


def broken(folder: Path) -> tuple[set[str], str]:
    """Return the first words of the contracts that are broken in a tree, and all that the checker says."""
    path = os.pathsep.join([str(folder / "src"), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "250", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert re.search(r"Contracts: \d+ kept, \d+ broken", said), said
    names = {match[1] for match in re.finditer(r"^(\w+)\b.* BROKEN( \(|$)", said, re.MULTILINE)}
    assert bool(names) == (done.returncode != 0), said
    return names, said


def plant(folder: Path, files: dict[str, str]) -> None:
    """Write modules below `src/holdfast`, adding to those that exist."""
    for name, text in files.items():
        file = folder / "src" / "holdfast" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for above in file.relative_to(folder / "src").parents:
            (folder / "src" / above / "__init__.py").touch()
        with file.open("a") as end:
            end.write(f"\n{text}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the source and its contracts, with two small apps in it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    (tmp_path / "src" / "__init__.py").unlink(missing_ok=True)
    for app in ("alpha", "beta"):
        plant(tmp_path, {f"apps/{app}/{part}.py": "" for part in (*PARTS, "errors", "models")})
    (tmp_path / "src" / "__init__.py").unlink(missing_ok=True)
    return tmp_path


def test_the_contracts_hold(tree: Path) -> None:
    names, said = broken(tree)
    assert names == set(), said


SEEDS = {
    "app to app": ("apps/alpha/service.py", "import holdfast.apps.beta.public", {"Apps"}),
    "kernel to core": ("kernel/clock.py", "import holdfast.core.audit.models", {"House", "Kernel", "Audit", "Cycles"}),
    "kernel to app": ("kernel/clock.py", "import holdfast.apps.alpha.public", {"House", "Kernel"}),
    "core to app": ("core/audit/models.py", "import holdfast.apps.alpha.public", {"House"}),
    "models to service": ("apps/alpha/models.py", "import holdfast.apps.alpha.service", {"Slice"}),
    "queries to service": ("apps/alpha/queries.py", "import holdfast.apps.alpha.service", {"Slice"}),
    "service to public": ("apps/alpha/service.py", "import holdfast.apps.alpha.public", {"Slice"}),
    "public to endpoints": ("apps/alpha/public.py", "import holdfast.apps.alpha.endpoints", {"Slice"}),
    "pages to endpoints": ("apps/alpha/pages.py", "import holdfast.apps.alpha.endpoints", {"Slice"}),
    "endpoints to app": ("apps/alpha/endpoints.py", "import holdfast.apps.alpha.app", {"Slice"}),
    "service to another slice's models": ("apps/alpha/service.py", "import holdfast.core.audit.models", {"Audit"}),
    "core service to another's models": (
        "core/directory/service/planted.py",
        "from holdfast.core.audit import models",
        {"Audit"},
    ),
    "past the door of the directory": ("apps/alpha/service.py", "import holdfast.core.directory.models", {"Directory"}),
    "past the door of identity": ("apps/alpha/service.py", "import holdfast.core.identity.models", {"Identity"}),
    "past the door of the console": ("apps/alpha/service.py", "import holdfast.core.console.models", {"Console"}),
    "audit to directory": ("core/audit/models.py", "import holdfast.core.directory.public", {"Core"}),
    "directory to identity": ("core/directory/models.py", "import holdfast.core.identity.public", {"Core"}),
    "a core slice that nobody listed": ("core/surprise/models.py", "", {"Core"}),
    "a package beside the house's": ("helpers/__init__.py", "", {"House"}),
    "service to fastapi": ("apps/alpha/service.py", "from fastapi import HTTPException", {"Web"}),
    "ledger to kernel": ("core/audit/ledger/planted.py", "import holdfast.kernel.clock", {"Ledger"}),
    "ledger to models": ("core/audit/ledger/planted.py", "import holdfast.core.audit.models", {"Slice"}),
    "models to starlette": ("core/audit/models.py", "import starlette.requests", {"Web"}),
    "stray file in an app": ("apps/alpha/utils.py", "", {"Slice"}),
    "stray file in a core slice": ("core/audit/utils.py", "", {"Slice"}),
    "cycle in the kernel": ("kernel/errors.py", "import holdfast.kernel.plugins", {"Cycles"}),
    "facts to errors, which is allowed": ("apps/beta/facts.py", "import holdfast.apps.beta.errors", set()),
    "import for types alone": (
        "apps/alpha/models.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import holdfast.apps.alpha.service",
        {"Slice"},
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_violation_breaks_the_right_contract(tree: Path, seed: str) -> None:
    file, text, contracts = SEEDS[seed]
    plant(tree, {f"core/{name}.py": "" for name in ("directory/public", "identity/public", "console/models")})
    before, _ = broken(tree)
    plant(tree, {file: text})
    after, said = broken(tree)
    assert contracts <= after - before, said
    if file.startswith("apps/"):  # what a real slice imports may close a cycle as well
        assert after - before == contracts, said


def test_every_core_slice_has_its_door() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    slices = {file.parent.name for file in (ROOT / "src/holdfast/core").glob("*/app.py")}
    for name in slices:
        door = contracts[f"importlinter:contract:{name}"]
        assert door["type"] == "protected"
        assert door["protected_modules"].split() == [f"holdfast.core.{name}.*"]
        assert door["allowed_importers"].split() == [f"holdfast.core.{name}.**"]
        assert door["ignore_imports"].split("\n")[-1] == f"holdfast.** -> holdfast.core.{name}.public"
