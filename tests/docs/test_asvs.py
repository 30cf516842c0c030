"""The list of the numbered tests of identity is whole: every number, and tests that are there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {int(row[0]): row[1:] for row in ROW.findall((ROOT / "docs" / "reference" / "asvs.md").read_text())}
NUMBERED = re.compile(r"def (test_(\d\d)_(?:and_(\d\d)_)?\w+)\(")


def test_every_number_stands_there_once_with_a_test_or_a_reason() -> None:
    text = (ROOT / "docs" / "reference" / "asvs.md").read_text()
    assert [int(number) for number, *_ in ROW.findall(text)] == [*range(1, 50), *range(59, 63)]
    assert text.count("\n| ") == len(ROWS) + 1, "a row is not read"
    for number, (_, tests, against, left) in ROWS.items():
        assert bool(tests.strip()) == bool(against.strip()), number
        assert tests.strip() or left.strip(), number


@pytest.mark.parametrize("number", sorted(ROWS))
def test_the_tests_of_a_number_are_there(number: int) -> None:
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", ROWS[number][1]):
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE), name


def test_a_test_that_bears_a_number_stands_at_it() -> None:
    for path in sorted((ROOT / "tests" / "core" / "identity").glob("test_*.py")):
        for name, *numbers in NUMBERED.findall(path.read_text()):
            for number in filter(None, numbers):
                assert f"{path.name}::{name}`" in ROWS[int(number)][1], name
