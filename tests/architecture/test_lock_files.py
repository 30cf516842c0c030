"""Lock files: whole, hashed, in step with pyproject.toml, and silent about where they were made."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==(?P<version>[^\s;]+)(?P<rest>.*)$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
# What would name a machine, a registry or a folder: an address, an option of pip, `name @ place`, an absolute path.
PLACES = (
    re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE),
    re.compile(r"^\s*(?:-i|-f|-e|--(?:index-url|extra-index-url|find-links|no-index|trusted-host|editable))\b"),
    re.compile(r"\s@\s"),
    re.compile(r"\b(?:[a-z0-9-]+\.)+(?:org|com|net|io|dev|local|internal|lan)\b", re.IGNORECASE),
    re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/)"),
    re.compile(r"\blocalhost\b"),
    re.compile(r"(?:^|[\s=\"'])(?:/|~/|[A-Z]:\\)\S"),
)


def faults(text: str) -> list[str]:
    """Return the lines that do not belong in a lock file."""
    found = [line for line in text.splitlines() if any(place.search(line) for place in PLACES)]
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    for at, line in enumerate(lines):
        if HASH.match(line):
            continue
        followed = at + 1 < len(lines) and HASH.match(lines[at + 1])
        if not PIN.match(line) or not followed:
            found.append(line)
    return found


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    matches = [match for line in lines if (match := PIN.match(line))]
    return {canonicalize_name(match["name"]): match["version"] for match in matches}


def test_the_locks_are_there():
    assert [path.name for path in LOCKS] == ["build.lock", "dev.lock", "run.lock"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_packages_and_hashes_and_nothing_else(path):
    assert faults(path.read_text()) == []


GOOD = (
    "one==1.0 ; python_full_version < '3.12' \\\n    --hash=sha256:"
    + "a" * 64
    + "\n    # via holdfast (pyproject.toml)\n"
)


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://pypi.org/simple",
        "--extra-index-url file:///opt/simple",
        "-i packages.example.org/simple",
        "--find-links /opt/wheels",
        "--trusted-host build",
        "-e .",
        "one @ ../one",
        "one==1.0",
        "one>=1.0 \\\n    --hash=sha256:" + "b" * 64,
        "# made on build-7.corp.internal",
        "# from 10.1.2.3:8080",
        "# /home/somebody/requirements.in",
        "one==1.0 \\\n    --hash=md5:" + "b" * 32,
    ],
)
def test_what_does_not_belong_is_found(line):
    assert faults(GOOD) == []
    assert faults(GOOD + line + "\n")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def unmet(requirements: list[str], pinned: dict[str, str]) -> list[str]:
    found = []
    for text in requirements:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{text}: locked is {version}")
    return found


def test_the_locks_are_in_step_with_the_project():
    data = project()
    running = [*data["project"]["dependencies"], *data["project"]["optional-dependencies"]["redis"]]
    building = [line for line in (ROOT / "requirements/build.in").read_text().splitlines() if not line.startswith("#")]
    assert unmet(running, pins("run.lock")) == []
    assert unmet([*running, *data["dependency-groups"]["dev"]], pins("dev.lock")) == []
    assert unmet([*building, *data["build-system"]["requires"]], pins("build.lock")) == []
    assert unmet(["fastapi<0.1"], pins("run.lock")) != []
    assert unmet(["absent"], pins("run.lock")) != []


def test_what_runs_and_builds_is_what_was_tested():
    tested = pins("dev.lock")
    for name in ("run.lock", "build.lock"):
        assert {package: tested.get(package) for package in pins(name)} == pins(name)
