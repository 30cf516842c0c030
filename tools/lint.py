"""The house's own rules, which no ready-made linter knows: one parse a file, one reason a rule.

    python tools/lint.py [ROOT]

Prints `file:line: rule: reason` for each breach and ends with 1 if there is one. Where a rule must yield, the line
itself or the one above says so and why: `# lint: allow RULE – reason`. An escape without a reason, or that nothing
needs any more, is a breach as well.
"""
# ruff: noqa: INP001 - a script, not a package

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

FILE_LINES, FUNCTION_LINES = 400, 60
KERNEL_MODULES, KERNEL_LINES = 28, 8_590  # docs/decisions/0004-size-of-the-kernel.md
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
FOLDERS = ("src", "tools", "bench")
_ESCAPE = re.compile(r"# lint: allow ([a-z-]+)(?:\s+[–-]\s+(\S.*))?")

Find = Callable[[ast.AST], Iterator[int]]
Breach = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it finds in a node, where it applies below `src/holdfast`, where not, and its reason."""

    name: str
    reason: str
    find: Find
    only: tuple[str, ...] = ("*",)
    but: tuple[str, ...] = ()

    def applies(self, path: str) -> bool:
        """Tell whether the rule looks at the file; `path` is relative to the root."""
        inside = path.removeprefix("src/holdfast/")
        return (
            inside != path
            and any(fnmatch(inside, pattern) for pattern in self.only)
            and not any(fnmatch(inside, pattern) for pattern in self.but)
        )


def _called(node: ast.AST) -> tuple[str, str]:
    """Return the name before the dot, if it is a name, and the name that is called; empty for other nodes."""
    if not isinstance(node, ast.Call):
        return "", ""
    if isinstance(node.func, ast.Attribute):
        base = node.func.value
        return (base.id if isinstance(base, ast.Name) else getattr(base, "attr", "?")), node.func.attr
    return "", node.func.id if isinstance(node.func, ast.Name) else ""


def _calls(*names: str, bases: frozenset[str] | None = None) -> Find:
    """Find calls of these names; `bases` are the names that may stand before the dot (None: any; "" is no dot)."""

    def find(node: ast.AST) -> Iterator[int]:
        base, name = _called(node)
        if name in names and (bases is None or base in bases):
            yield node.lineno  # type: ignore[attr-defined]

    return find


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module or ''}.{alias.name}" for alias in node.names] if not node.level else ["holdfast"]
    return []


def _hidden(*names: str) -> Find:
    """Find imports that would give SQLAlchemy's function another name."""

    def find(node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            yield from (node.lineno for alias in node.names if alias.name in names and alias.asname)

    return find


def _either(*finds: Find) -> Find:
    return lambda node: (line for find in finds for line in find(node))


def _inner_import(node: ast.AST) -> Iterator[int]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for statement in node.body:
            for inner in ast.walk(statement):
                if any(name.split(".")[0] == "holdfast" for name in _imported(inner)):
                    yield inner.lineno  # type: ignore[attr-defined]


def _dynamic_import(node: ast.AST) -> Iterator[int]:
    harmless = ("importlib.resources", "importlib.metadata")
    found = [name for name in _imported(node) if name.split(".")[0] == "importlib" and not name.startswith(harmless)]
    if found or _called(node)[1] == "__import__":
        yield node.lineno  # type: ignore[attr-defined]


def _environment(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and _named(node.value) == "os":
        yield node.lineno
    if {"os.environ", "os.getenv"} & set(_imported(node)):
        yield node.lineno  # type: ignore[attr-defined]


def _named(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _middleware(node: ast.AST) -> Iterator[int]:
    if any(name.endswith(".BaseHTTPMiddleware") for name in _imported(node)):
        yield node.lineno  # type: ignore[attr-defined]
    if isinstance(node, ast.Attribute) and node.attr == "BaseHTTPMiddleware":
        yield node.lineno


def _unguarded(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Module):
        for function in node.body:
            if isinstance(function, ast.AsyncFunctionDef) and not function.name.startswith("_"):
                marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in function.decorator_list]
                if "verb" not in {getattr(mark, "attr", _named(mark)) for mark in marks}:
                    yield function.lineno


SQL = frozenset({"", "sqlalchemy", "sa", "sql"})
RULES = (
    Rule(
        "select",
        "queries live in queries.py, so that a reader finds them and the tenant's lock has one place to hold.",
        _either(_calls("select", bases=SQL), _hidden("select")),
        but=("kernel/*", "migrations/*", "*/queries.py", "*/queries/*", "*/demo.py"),
    ),
    Rule(
        "commit",
        "only the kernel commits or rolls back, so that data, trail and jobs stand or fall together.",
        _calls("commit", "rollback"),
        but=("kernel/*",),
    ),
    Rule(
        "inner-import",
        "an import of our own code inside a function hides a cycle: move what both need down instead.",
        _inner_import,
    ),
    Rule(
        "importlib",
        "the import contracts cannot see a dynamic import: only discovery and plug-ins use it.",
        _dynamic_import,
        but=("kernel/discovery/__init__.py", "kernel/plugins.py", "migrations/run.py"),
    ),
    Rule(
        "clock",
        "the time comes from work.now() or kernel/clock.py, so that a test can set it.",
        _calls("now", "utcnow", "today", bases=frozenset({"datetime", "date"})),
        but=("kernel/clock.py",),
    ),
    Rule(
        "environ",
        "an operator finds every setting in kernel/settings: read it there and pass it on.",
        _environment,
        but=("kernel/settings/__init__.py",),
    ),
    Rule(
        "text",
        "SQL as text passes the tenant guard: only the kernel and migrations may write it.",
        _either(_calls("text", bases=SQL), _calls("exec_driver_sql"), _hidden("text")),
        but=("kernel/*", "migrations/*", "*/migrations/*"),
    ),
    Rule(
        "middleware",
        "BaseHTTPMiddleware costs a task for each request and breaks cancellation: write plain ASGI.",
        _middleware,
    ),
    Rule(
        "cache",
        "what decides on access is read where it stands: a kept copy lets in who was shut out a moment ago.",
        _calls("find", "keep", bases=frozenset({"cache"})),
        only=("core/identity/*", "kernel/*"),
        but=("kernel/cache.py",),
    ),
    Rule(
        "verb",
        "what a service offers is a verb: its permission is asked whoever calls. Add @verb(…) or an underscore.",
        _unguarded,
        only=("*/service.py", "*/service/*.py"),
    ),
)


def _sizes(tree: ast.Module, lines: list[str], path: str) -> Iterator[Breach]:
    if len(lines) > FILE_LINES:
        yield 1, "file-length", f"{len(lines)} lines; at most {FILE_LINES} fit in a reader's head: split it by verb."
    if "/migrations/versions/" in path:
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                reason = f"`{node.name}` has {length} lines; at most {FUNCTION_LINES} fit on a screen: name its parts."
                yield node.lineno, "function-length", reason


def breaches(path: str, source: str) -> Iterator[Breach]:
    """Yield line, rule and reason of each breach in a file; `path` is relative to the root."""
    tree, lines = ast.parse(source), source.splitlines()
    found = list(_sizes(tree, lines, path))
    rules = [rule for rule in RULES if rule.applies(path)]
    for node in ast.walk(tree):
        found += [(line, rule.name, rule.reason) for rule in rules for line in rule.find(node)]
    escapes = {number: match for number, line in enumerate(lines, 1) if (match := _ESCAPE.search(line))}
    used: set[int] = set()
    for line, name, reason in sorted(set(found)):
        given = next((at for at in (line, line - 1) if at in escapes and escapes[at][1] == name), None)
        if given is None:
            yield line, name, reason
        else:
            used.add(given)
    for line, match in escapes.items():
        if line not in used:
            yield line, "escape", f"nothing here breaks {match[1]!r}: take the escape away."
        elif not match[2]:
            yield line, "escape", f"say why: `# lint: allow {match[1]} – reason`."


def kernel_budget(root: Path) -> Iterator[str]:
    """Yield what the kernel has too much of: modules (a package counts as one), lines of code in all of them."""
    kernel = root / "src/holdfast/kernel"
    files = sorted(kernel.rglob("*.py"))
    modules = {file.relative_to(kernel).parts[0] for file in files} - {"__init__.py"}
    total = sum(code_lines(file.read_text()) for file in files)
    for count, limit, what in ((len(modules), KERNEL_MODULES, "modules"), (total, KERNEL_LINES, "lines")):
        if count > limit:
            yield f"src/holdfast/kernel:1: kernel-budget: {count} {what}, at most {limit}: what one slice needs is its."


def code_lines(source: str) -> int:
    """Return how many lines hold code: blank ones, comments and docstrings cost a reader nothing."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            told.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    used = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _SILENT
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(used - told)


def main(root: Path) -> int:
    """Print every breach below the root; return 1 where there is one."""
    said = list(kernel_budget(root))
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            said += [f"{path}:{line}: {name}: {reason}" for line, name, reason in breaches(path, file.read_text())]
    sys.stdout.writelines(f"{line}\n" for line in said)
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent))
