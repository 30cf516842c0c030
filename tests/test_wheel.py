"""What `pip install` gives: the whole package and a command that works, without this checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[1]


def run(*command, **variables):
    """Run a command outside the checkout and return what it wrote."""
    done = subprocess.run(
        command, cwd=variables.pop("cwd", "/"), env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout.decode()


def test_the_wheel_holds_the_package_and_gives_a_working_command(tmp_path):
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    alone = ("--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir")
    run(*pip, "wheel", *alone, "--wheel-dir", str(tmp_path), str(ROOT))
    [wheel] = tmp_path.glob("*.whl")
    package = ROOT / "src" / "holdfast"
    source = {
        f"holdfast/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("holdfast/")} == source

    site = tmp_path / "site"
    run(*pip, "install", "--no-index", "--no-deps", "--no-compile", "--target", str(site), str(wheel))
    apart = {"PYTHONPATH": str(site), "HOLDFAST_HOME": str(tmp_path / "home"), "cwd": str(tmp_path)}
    command = (sys.executable, "-P", str(site / "bin" / "holdfast"))
    assert run(*command, "routes", **apart) == (ROOT / "routes.lock").read_text()
    assert "from an empty database to " in run(*command, "migrate", **apart)
    where = "import holdfast; print(holdfast.__file__)"
    assert run(sys.executable, "-P", "-c", where, **apart).startswith(str(site))
