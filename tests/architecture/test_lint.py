"""Each of the house's own rules bites where it should, leaves its homes alone, and yields only to a reason."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "src/holdfast/core/planted/service.py"
PAGE = "src/holdfast/core/planted/pages/index.py"
VERBS = "src/holdfast/core/planted/service/closing.py"

Lint = Callable[[dict[str, str]], list[str]]


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Return a function that plants files in a tree of its own and gives the linter's lines."""

    def run(files: dict[str, str]) -> list[str]:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        done = subprocess.run(
            [sys.executable, ROOT / "tools" / "lint.py", tmp_path], capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        assert done.returncode == (1 if done.stdout else 0)
        return done.stdout.splitlines()

    return run


BREACHES = [
    ("select", SERVICE, "rows = select(Company)"),
    ("select", SERVICE, "rows = sqlalchemy.select(Company)"),
    ("select", SERVICE, "from sqlalchemy import select as pick"),
    ("select", PAGE, "rows = sa.select(Company)"),
    ("commit", SERVICE, "work.session.commit()"),
    ("commit", "src/holdfast/migrations/run.py", "connection.rollback()"),
    ("inner-import", SERVICE, "def f():\n    import holdfast.core.audit"),
    ("inner-import", SERVICE, "def f():\n    if True:\n        from holdfast.core import audit"),
    ("inner-import", SERVICE, "def f():\n    from . import queries"),
    (
        "inner-import",
        "src/holdfast/kernel/work.py",
        "class A:\n    def f(self):\n        from holdfast.kernel import db",
    ),
    ("importlib", SERVICE, "import importlib"),
    ("importlib", SERVICE, "from importlib import import_module"),
    ("importlib", "src/holdfast/kernel/work.py", "import importlib.util"),
    ("importlib", SERVICE, "module = __import__('os')"),
    ("clock", SERVICE, "at = datetime.now(UTC)"),
    ("clock", "src/holdfast/kernel/work.py", "at = datetime.datetime.utcnow()"),
    ("clock", SERVICE, "at = date.today()"),
    ("environ", SERVICE, "home = os.environ['HOME']"),
    ("environ", "src/holdfast/cli/serve.py", "home = os.getenv('HOME')"),
    ("environ", SERVICE, "from os import environ"),
    ("text", SERVICE, "rows = text('SELECT 1')"),
    ("text", "src/holdfast/core/planted/queries.py", "rows = connection.exec_driver_sql('SELECT 1')"),
    ("text", SERVICE, "from sqlalchemy.sql import text as raw"),
    ("middleware", "src/holdfast/kernel/middleware.py", "from starlette.middleware.base import BaseHTTPMiddleware"),
    ("middleware", "src/holdfast/main.py", "class M(base.BaseHTTPMiddleware): ..."),
    ("verb", SERVICE, "async def close_hazard(work): ..."),
    ("verb", VERBS, "@other('a.b.c')\nasync def close_hazard(work): ..."),
    ("cache", "src/holdfast/core/identity/planted.py", "kept = await work.house.cache.find(SESSIONS, tenant, 'a')"),
    ("cache", "src/holdfast/kernel/permissions.py", "await cache.keep(RIGHTS, tenant, 'a', b'')"),
    ("file-length", SERVICE, "x = 1\n" * 401),
    ("file-length", "bench/planted.py", "x = 1\n" * 401),
    ("function-length", SERVICE, "def f():\n" + "    x = 1\n" * 60),
    ("function-length", "tools/planted.py", "class A:\n    async def f(self):\n" + "        x = 1\n" * 60),
]


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_planted_breach_is_found_and_named(lint: Lint, rule: str, path: str, text: str) -> None:
    lines = lint({path: text})
    assert len(lines) == 1
    where, _, said = lines[0].partition(": ")
    assert where.startswith(f"{path}:")
    assert said.startswith(f"{rule}: ")
    assert len(said) > len(rule) + 20


ALLOWED = [
    ("src/holdfast/core/planted/queries.py", "rows = select(Company)"),
    ("src/holdfast/core/planted/queries/open.py", "rows = select(Company)"),
    ("src/holdfast/core/planted/demo.py", "rows = select(Company)"),
    ("src/holdfast/kernel/lists.py", "rows = select(Company)\nlink.commit()\nlink.rollback()\nrows = text('SELECT 1')"),
    ("src/holdfast/kernel/discovery/__init__.py", "import importlib"),
    ("src/holdfast/kernel/plugins.py", "import importlib"),
    (SERVICE, "import importlib.metadata\nimport importlib.resources\nfrom importlib.resources import files"),
    ("src/holdfast/kernel/clock.py", "at = datetime.now(UTC)"),
    (SERVICE, "at = work.now()\nat = time.perf_counter()"),
    ("src/holdfast/kernel/settings/__init__.py", "home = os.environ['HOME']"),
    ("src/holdfast/migrations/versions/0001_first.py", "op.execute(text('SELECT 1'))"),
    ("src/holdfast/apps/planted/migrations/versions/0001.py", "def upgrade():\n" + "    x = 1\n" * 100),
    (SERVICE, "@verb('planted.hazard.close')\nasync def close_hazard(work): ..."),
    (SERVICE, "@permissions.verb('planted.hazard.close')\nasync def close_hazard(work): ..."),
    (SERVICE, "async def _help(work): ...\ndef plain(): ...\nclass A:\n    async def f(self): ..."),
    ("src/holdfast/core/planted/public.py", "async def name_of(work): ..."),
    (SERVICE, "def f():\n    import json"),
    (SERVICE, "body.select('x')\nresponse.text()\nmenu.select(1)"),
    (SERVICE, "kept = await work.house.cache.find(TREES, tenant, 'a')"),
    ("src/holdfast/core/identity/planted.py", "await work.house.cache.clear()"),
    (SERVICE, "x = 1\n" * 400),
    (SERVICE, "def f():\n" + "    x = 1\n" * 59),
    ("bench/planted.py", "at = datetime.now(UTC)\nhome = os.environ['HOME']"),
]


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_what_stands_in_its_home_is_left_alone(lint: Lint, path: str, text: str) -> None:
    assert lint({path: text}) == []


def test_an_escape_with_a_reason_holds_on_its_line_and_the_next(lint: Lint) -> None:
    assert lint({SERVICE: "work.commit()  # lint: allow commit – the importer's own checkpoint"}) == []
    assert lint({SERVICE: "# lint: allow commit - the importer's own checkpoint\nwork.commit()"}) == []


def test_an_escape_covers_its_rule_and_its_line_only(lint: Lint) -> None:
    lines = lint({SERVICE: "work.commit()  # lint: allow select – wrong rule\n\nwork.commit()"})
    assert [line.split(": ")[1] for line in lines] == ["commit", "commit", "escape"]


def test_an_escape_without_a_reason_is_refused(lint: Lint) -> None:
    (line,) = lint({SERVICE: "work.commit()  # lint: allow commit"})
    assert line.startswith(f"{SERVICE}:1: escape: say why")


def test_an_escape_that_nothing_needs_is_refused(lint: Lint) -> None:
    (line,) = lint({SERVICE: "x = 1  # lint: allow commit – it was needed once"})
    assert line.startswith(f"{SERVICE}:1: escape: nothing here breaks 'commit'")


def test_the_kernel_has_a_budget(lint: Lint) -> None:
    modules = {f"src/holdfast/kernel/m{number}.py": "x = 1\n" for number in range(28)}
    assert lint({**modules, "src/holdfast/kernel/__init__.py": ""}) == []
    (line,) = lint({"src/holdfast/kernel/one_more.py": "x = 1\n"})
    assert line.startswith("src/holdfast/kernel:1: kernel-budget: 29 modules, at most 28")


def test_the_kernel_has_a_budget_of_lines(lint: Lint) -> None:
    (line,) = lint({f"src/holdfast/kernel/m{number}.py": "x = 1\n" * 400 for number in range(22)})
    assert "8800 lines, at most" in line


def test_the_house_keeps_its_rules() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "lint.py"], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0
