"""Targets, tables and files: what was measured against what was promised."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.load import Sample

OUT = Path("bench/out")
LOGGED = ("[info ", "[warning ")  # lines of the log, which are no figures
PAGE = Path("docs/reference/performance.md")
# What is measured by a command of its own, in data of its own, and stands on the page as it was printed.
APART = {
    "sign_in": "Signing in, and a million accounts",
    "people": "A million people beside ten thousand",
    "imports": "A hundred thousand people imported",
    "jobs": "Background jobs beside Procrastinate and Huey",
    "files": "Two gigabytes up and down",
    "mails": "Mails beside aiosmtplib alone",
    "ledger": "The ledger's tree without a database",
}
Results = dict[str, dict[str, Sample]]
Rounds = dict[str, dict[str, list[Sample]]]
TITLES = {
    "list": "GET /api/v1/org/companies?page_size=50",
    "create": "POST /api/v1/org/companies, with its audit entry",
    "me": "GET /api/v1/auth/me",
}
NAMES = {
    "floor": "floor, PostgreSQL",
    "postgresql": "Holdfast, PostgreSQL",
    "sqlite_normal": "Holdfast, SQLite NORMAL",
    "sqlite_full": "Holdfast, SQLite FULL",
    "floor_sqlite": "floor, SQLite NORMAL",
    "mysql": "Holdfast, MariaDB",
}
# What the first server of all took while it was idle, and 40 MB for jobs, mail and files.
DEMO_MEGABYTES = 138.5 + 40


@dataclass(frozen=True)
class Line:
    """One promise: what is measured, its figure, the bound, and on which side of it is good."""

    what: str
    figure: float
    bound: float
    at_least: bool
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether the promise is kept."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def text(self) -> str:
        """Return the line as it is printed."""
        sign = "≥" if self.at_least else "≤"
        word = "pass" if self.passed else "FALLS SHORT"
        return f"{self.what:58} {self.figure:8.2f}{self.unit:4} {sign} {self.bound:g}{self.unit:4} {word}"


def judge(rounds: Rounds, extra: dict[str, float]) -> list[Line]:
    """Return the promises that the measured cases can tell of."""
    lines = []

    def ratio(case: str, one: str, other: str, figure: str = "rate") -> float | None:
        """Return the median of the rounds' ratios: what else the machine does comes and goes between rounds."""
        found = rounds.get(case, {})
        if one not in found or other not in found:
            return None
        pairs = zip(found[one], found[other], strict=True)
        return median(getattr(left, figure) / getattr(right, figure) for left, right in pairs)

    for case, bound in (("list", 0.6), ("me", 0.5), ("create", 0.35)):
        figure = ratio(case, "postgresql", "floor")
        if figure is not None:
            lines.append(Line(f"{case}: rate / floor's", figure, bound, at_least=True))
    slowest = ratio("create", "postgresql", "floor", "p99")
    if slowest is not None:
        lines.append(Line("create: p99 / floor's", slowest, 3, at_least=False))
    for case, one, bound in (
        ("list", "sqlite_full", 1.0),
        ("list", "sqlite_normal", 1.0),
        ("create", "sqlite_normal", 0.7),
    ):
        figure = ratio(case, one, "postgresql")
        if figure is not None:
            lines.append(Line(f"{case}: {NAMES[one]} / PostgreSQL's rate", figure, bound, at_least=True))
    promised = {
        "routes_last_adds": ("800 routes: the last one adds", 60.0, "µs"),
        "routes_404": ("800 routes: 404", 50.0, "µs"),
        "routes_405": ("800 routes: 405", 50.0, "µs"),
        "start_seconds": ("import and start, embedded database", 2.5, "s"),
        "idle_megabytes": ("idle memory", 180.0, "MB"),
        "demo_first_idle": ("memory of the demo, first start, after 30 s", DEMO_MEGABYTES, "MB"),
        "demo_first_used": ("memory of the demo, first start, after requests and a thumbnail", DEMO_MEGABYTES, "MB"),
        "demo_next_idle": ("memory of the demo, next start, after 30 s", DEMO_MEGABYTES, "MB"),
        "demo_next_used": ("memory of the demo, next start, after requests and a thumbnail", DEMO_MEGABYTES, "MB"),
    }
    lines += [
        Line(what, extra[name], bound, at_least=False, unit=unit)
        for name, (what, bound, unit) in promised.items()
        if name in extra
    ]
    return lines


def table(results: Results) -> list[str]:
    """Return the figures as lines of Markdown, one table a case."""
    lines = []
    for case, found in results.items():
        base = found.get("floor")
        lines += [
            f"### {TITLES[case]}",
            "",
            "| | requests/s | / floor | p50 ms | p99 ms | server CPU µs | / floor | database CPU µs |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for name, sample in found.items():
            rate = f"{sample.rate / base.rate:.2f}" if base else ""
            spent = f"{sample.server_cpu / base.server_cpu:.2f}" if base else ""
            database = f"{sample.database_cpu:.0f}" if sample.database_cpu else "–"
            lines.append(
                f"| {NAMES[name]} | {sample.rate:.0f} | {rate} | {sample.p50:.1f} | {sample.p99:.1f} "
                f"| {sample.server_cpu:.0f} | {spent} | {database} |"
            )
        lines.append("")
    return lines


def write(results: Results, rounds: Rounds, extra: dict[str, float], lines: list[Line]) -> None:
    """Write everything as JSON."""
    OUT.mkdir(parents=True, exist_ok=True)
    told = {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "medians": {case: {name: asdict(sample) for name, sample in found.items()} for case, found in results.items()},
        "rounds": {
            case: {name: [asdict(sample) for sample in samples] for name, samples in found.items()}
            for case, found in rounds.items()
        },
        "extra": extra,
        "promises": [asdict(line) | {"passed": line.passed} for line in lines],
    }
    (OUT / "bench.json").write_text(json.dumps(told, indent=1) + "\n")


def write_page(results: Results, extra: dict[str, float], lines: list[Line], *, rounds: int, seconds: float) -> None:
    """Write docs/reference/performance.md."""
    page = [
        "# Performance",
        "",
        "Written by `make bench`. One server process, 16 connections, everything on (row-level security, limits,",
        "access log, metrics, trail), 10,000 companies. The floor is bare Starlette, an asyncpg pool with its default",
        "settings and orjson, running the same statements one per round trip without any check. Medians of",
        f"{rounds} interleaved rounds of {seconds:g} s, of each round's ratio where one is promised; load, server and",
        "database share two cores, so trust the ratios and the CPU a request, not the rates.",
        "",
        "| promise | figure | bound | |",
        "|---|---:|---:|---|",
    ]
    for line in lines:
        sign = "≥" if line.at_least else "≤"
        word = "pass" if line.passed else "**falls short**"
        page.append(f"| {line.what} | {line.figure:.2f} {line.unit} | {sign} {line.bound:g} {line.unit} | {word} |")
    page += ["", *table(results)]
    if "import_seconds" in extra:
        page.append(f"Import alone: {extra['import_seconds']:.2f} s. Start: {extra['start_seconds']:.2f} s.")
    for name, title in APART.items():
        told = OUT / f"{name}.txt"
        if told.exists():
            printed = [text for text in told.read_text().splitlines() if not any(level in text for level in LOGGED)]
            page += ["", f"## {title}", "", f"What `python -m bench.{name}` printed:", "", "```text", *printed, "```"]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(page).rstrip() + "\n")
