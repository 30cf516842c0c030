"""The reference says what the code says: written from it, complete, and with the anchors that problems name."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.front import told_errors
from holdfast.kernel.discovery import discover
from holdfast.kernel.errors.problems import problem
from holdfast.kernel.facts import FACTS
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
APPS = [app for app in installed_apps() if app.package.startswith("holdfast.")]


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text()


def first_cells(name: str) -> list[str]:
    """Return what stands between back quotes in the first cell of each row."""
    return re.findall(r"^\| (?:<a [^>]*></a>)?`([^`]+)`", page(name), re.MULTILINE)


def test_the_page_of_the_errors_says_what_the_reference_says():
    told = {each["code"]: str(each["meaning"]) for each in told_errors()}
    assert len(told) > 20
    for code, meaning in told.items():
        assert f"| {meaning} |" in page("errors"), code


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_those_that_the_code_writes():
    # In a process of its own: other tests load apps whose facts and tables are not ours.
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_there_is_no_other_page(reference):
    assert {path.name for path in FOLDER.iterdir()} >= set(reference.PAGES)
    measured = {"performance.md", "proofs.md"}  # written by runs of the program, which no test repeats
    strange = {path.name for path in FOLDER.glob("*.md")} - set(reference.PAGES) - measured
    assert all("Written by" not in (FOLDER / name).read_text() for name in strange)


def test_every_setting_is_told():
    assert set(first_cells("settings")) == {name.upper() for name in Settings.model_fields if name != "given_by"}


def test_every_permission_is_told():
    assert set(first_cells("permissions")) == {each.name for app in APPS for each in app.permissions}


def test_every_fact_is_told():
    ours = {action for action, kind in FACTS.items() if kind.__module__.startswith("holdfast.")}
    assert set(first_cells("facts")) == ours


def test_every_error_is_told_where_its_problem_points(reference):
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', page("errors")))
    kinds = reference.our_errors()
    assert len(kinds) > 30
    for kind in kinds:
        error = kind.__new__(kind)
        Exception.__init__(error)
        error.detail, error.errors, error.headers = "", (), {}
        pointed = re.search(rb'"type":"/docs/reference/errors#([^"]+)"', problem(error, None).body)[1].decode()
        assert pointed in anchors
        assert kind.code in first_cells("errors")


def test_every_route_is_told():
    text = page("routes")
    for found in discover(APPS):
        assert f"| {found.method} | `{found.path}` | `{found.permission}` | " in text
    assert "|  |" not in text


def test_every_table_is_told(reference):
    text = page("tables")
    for table, model in reference.our_tables():
        assert f"### {table.name}\n" in text
        assert model.__doc__
        for column in table.columns:
            assert f"| `{column.name}` | " in text
