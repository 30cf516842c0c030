"""Run the long proofs and write their report, docs/reference/proofs.md: what was run, where, and what it counted."""

# ruff: noqa: INP001 - a script, not a package

import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "proofs.md"
COUNTED = ("passed", "failed", "skipped")


def outcome(case: ET.Element) -> str:
    """Return `passed`, `failed` or `skipped`."""
    found = {child.tag for child in case}
    return "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"


def report(results: ET.Element, commit: str) -> str:
    """Return the page for a JUnit report: tests by folder, then what the tests themselves recorded."""
    folders: dict[str, Counter[str]] = {}
    told: list[str] = []
    for case in results.iter("testcase"):
        parts = (case.get("classname") or "").split(".")
        folder = "/".join(parts[:2]) if len(parts) > 2 else "tests"
        folders.setdefault(folder, Counter())[outcome(case)] += 1
        facts = [f"{each.get('name')} {each.get('value')}" for each in case.iter("property")]
        if facts:
            told.append(f"| `{case.get('name')}` | {', '.join(facts)} |")
    lines = [
        "# Proofs",
        "",
        "Written by `make prove`: every test, with the long rounds of the crash tests, on SQLite, PostgreSQL and",
        f"MariaDB, nothing skipped. {datetime.now(UTC):%Y-%m-%d}, commit {commit}, Python {platform.python_version()},",
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores. [Speed](performance.md).",
        "",
        "| tests | passed | failed | skipped |",
        "|---|---:|---:|---:|",
    ]
    for folder, counts in sorted(folders.items()):
        lines.append(f"| `{folder}` | " + " | ".join(str(counts[each]) for each in COUNTED) + " |")
    total = sum(folders.values(), Counter())
    lines.append("| **all** | " + " | ".join(str(total[each]) for each in COUNTED) + " |")
    lines += ["", "What the crash tests counted:", "", "| test | |", "|---|---|", *sorted(told)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run every test with its long rounds; write the report also where some fail, and return pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="holdfast-prove-") as folder:
        results = Path(folder) / "results.xml"
        environment = {**os.environ, "REQUIRE_SERVICES": "1", "PROVE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={results}"]
        command += ["-o", "junit_family=xunit1", *sys.argv[1:]]  # the newer one has no place for what tests record
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        PAGE.write_text(report(ET.parse(results).getroot(), commit.stdout.strip()))  # noqa: S314
    return code


if __name__ == "__main__":
    sys.exit(main())
