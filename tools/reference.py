"""The pages of docs/reference, written from the code, so that they cannot say anything else.

    python tools/reference.py [--check]

Writes every page; with --check writes nothing, names the pages that differ and ends with 1 if there is one.
"""
# ruff: noqa: INP001 - a script, not a package

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Table, UniqueConstraint

from holdfast.core.identity.guards import ROLES
from holdfast.front import UNEXPECTED, Health, api_pages, metrics_route
from holdfast.kernel.db import Base, CanonicalJson, Choice
from holdfast.kernel.discovery import Endpoint, discover
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import ConfigurationError, HoldfastError
from holdfast.kernel.facts import FACTS, Fact
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.plugins import App, installed_apps, load_jobs
from holdfast.kernel.settings import Settings, explain
from holdfast.kernel.telemetry import Telemetry
from holdfast.kernel.tenancy import INSTALLATION_TABLES, tenant_tables
from holdfast.migrations.run import load_models

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTICE = "<!-- Written by `make reference`. Change the code, not this page. -->\n"
OURS = "holdfast."
# What the routes outside the slices say of themselves, where their function has no sentence.
FIXED = {
    "/metrics": "Answer the metrics in Prometheus text format: to loopback, or to who knows METRICS_TOKEN",
    "/api/openapi.json": "Describe the API (OpenAPI 3.1)",
    "/api/docs": "Show the description with Swagger UI",
    "/docs": "The same",
    "/api/redoc": "Show the description with ReDoc",
}


def our_apps() -> tuple[App, ...]:
    """Return the apps that ship with Holdfast; others have a reference of their own."""
    return tuple(app for app in installed_apps() if app.package.startswith(OURS))


def our_errors() -> list[type[HoldfastError]]:
    """Return every error that a caller can tell apart by its code, the general before the special."""

    def below(kind: type[HoldfastError]) -> Iterator[type[HoldfastError]]:
        yield kind
        for special in sorted(kind.__subclasses__(), key=lambda each: (each.status, each.code)):
            yield from below(special)

    known = {kind.code: kind for kind in reversed(list(below(HoldfastError))) if kind.__module__.startswith(OURS)}
    return [kind for kind in reversed(known.values()) if kind is not ConfigurationError]


def our_facts() -> list[type[Fact]]:
    """Return every fact in the order of its action."""
    return [FACTS[action] for action in sorted(FACTS) if FACTS[action].__module__.startswith(OURS)]


def our_tables() -> list[tuple[Table, type[Any]]]:
    """Return every table with its model, in name order."""
    found = [(mapper.local_table, mapper.class_) for mapper in Base.registry.mappers]
    ours = [(table, model) for table, model in found if model.__module__.startswith(OURS) and isinstance(table, Table)]
    return sorted(ours, key=lambda pair: pair[0].name)


def anchor(code: str) -> str:
    """Return the fragment under which a problem's `type` names the error."""
    return code.lower().replace("_", "-")


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def settings_page(_: Sequence[App]) -> str:
    """Return the page of the settings."""
    rows = [(f"`{line.name}`", f"`{line.default}`" if line.default else "–", line.description) for line in explain()]
    text = (
        "Each setting is read from the environment and from `.env` in the working folder; the environment goes first.\n"
        "Each has two names: `HOLDFAST_X` goes before `X`. An empty value counts as not given. A value that cannot be\n"
        "used stops the start with one line that names it. `holdfast settings` shows what is in force and where it\n"
        "came from. A dash in the second column means: none, or derived as the third column says.\n\n"
        "The database is named by `DATABASE_URL`, else by `SQLALCHEMY_DATABASE_URL`, else by `DB_NAME` and its\n"
        "companions. Two that name different databases stop the start.\n"
    )
    return _page("Settings", text + "\n" + _table(("Setting", "Default", "Meaning"), rows))


def permissions_page(apps: Sequence[App]) -> str:
    """Return the page of the permissions and the roles that hold them."""
    rows = [
        (
            f"`{each.name}`",
            each.title,
            app.title,
            *("●" if role in each.roles else "" for role in ROLES),
        )
        for app in apps
        for each in sorted(app.permissions, key=lambda permission: permission.name)
    ]
    text = (
        "A permission is `slice.resource.action`. It sits on the verb: whoever calls the verb without it is refused,\n"
        "by the API, by a page and by a command alike. A dot marks the built-in roles that hold it. A user may hold\n"
        "several roles; their permissions add up. The system itself, which acts for commands, holds every permission.\n"
    )
    return _page("Permissions", text + "\n" + _table(("Permission", "Allows", "Slice", *ROLES), rows))


def errors_page(_: Sequence[App]) -> str:
    """Return the page of the errors, with the anchors that a problem's `type` names."""
    rows = [
        (
            f'<a id="{anchor(kind.code)}"></a>`{kind.code}`',
            str(kind.status),
            kind.title,
            UNEXPECTED if kind is HoldfastError else _sentence(kind),
        )
        for kind in our_errors()
    ]
    text = (
        "Every error is an `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `code`,\n"
        "`request_id`, `errors`. `code` does not change between versions; texts may. `type` is\n"
        "`/docs/reference/errors#…` with the code in small letters and hyphens. `errors` lists `location`, `code`\n"
        "(in small letters) and `message` of each field at fault. A 403 is written to the audit trail.\n"
    )
    return _page("Errors", text + "\n" + _table(("Code", "Status", "Title", "Meaning"), rows))


def facts_page(_: Sequence[App]) -> str:
    """Return the page of the facts: the actions of the trail."""
    rows = [
        (
            f"`{kind.action}`",
            kind.title,
            kind.category,
            kind.severity,
            kind.outcome,
            ", ".join(f"`{name}`" for name in _own_fields(kind)) or "–",
            _sentence(kind),
        )
        for kind in our_facts()
    ]
    text = (
        "A fact is something that happened, in the past tense. Recording one writes an entry of the audit trail in\n"
        "the same transaction: who, when, on which record, with before and after. The last but one column names what\n"
        "the entry's `detail` holds besides. A refused act leaves an entry too: its action is the verb that was\n"
        "refused, its outcome `refused`, its reason the code of the error.\n"
    )
    heads = ("Action", "Title", "Category", "Severity", "Outcome", "Detail", "Meaning")
    return _page("Facts", text + "\n" + _table(heads, rows))


def routes_page(apps: Sequence[App]) -> str:
    """Return the page of the routes."""
    endpoints = discover(apps)
    parts = []
    for app in apps:
        rows = [_operation(found) for found in endpoints if found.app == app.name and found.kind == "api"]
        if rows:
            parts.append(f"## {app.title}\n\n{_table(('Method', 'Path', 'Permission', 'Does'), rows)}")
    pages = [_operation(found) for found in endpoints if found.kind == "page"]
    parts.append(f"## Console\n\n{_table(('Method', 'Path', 'Permission', 'Does'), pages)}")
    fixed = [("GET", f"`{path}`", text) for path, text in fixed_routes(apps)]
    parts.append(f"## Health, metrics, description\n\n{_table(('Method', 'Path', 'Does'), fixed)}")
    text = (
        "`signed_in` asks for a good credential only, `public` for none. The files behind the routes stand in\n"
        "`routes.lock`; parameters, bodies and answers in `/api/openapi.json`, shown at `/api/docs`. `/api/x` is a\n"
        "deprecated alias of `/api/v1/x` (`LEGACY_API_ALIAS`).\n"
    )
    return _page("Routes", text + "\n" + "\n".join(parts))


def tables_page(_: Sequence[App]) -> str:
    """Return the page of the tables."""
    ours = our_tables()
    owned = {table.name for table in tenant_tables()}
    text = (
        "Two kinds of table. A *tenant-owned* table has the primary key `(tenant_id, id)`; its foreign keys and\n"
        "unique constraints begin with `tenant_id`; PostgreSQL keeps it under row-level security. An\n"
        "*installation-owned* table holds ids, states, counts and hashes only. *Secret* columns never enter the trail\n"
        "with their values.\n"
    )
    parts = [text]
    for title, wanted in (("Tenant-owned", True), ("Installation-owned", False)):
        parts.append(f"## {title}\n")
        parts += [_described(table, model) for table, model in ours if (table.name in owned) is wanted]
    named = sorted(INSTALLATION_TABLES - {table.name for table, _ in ours})
    parts.append(f"Besides, without a model: {_names(named)}.\n")
    return _page("Tables", "\n".join(parts))


def metrics_page(_: Sequence[App]) -> str:
    """Return the page of the metrics."""
    telemetry = Telemetry()
    telemetry.watch_pool(in_use=lambda: 0, size=lambda: 0)
    telemetry.observe("GET", "/", 200, 0.0)
    telemetry.limited.labels("api")
    rows = []
    for family in sorted(telemetry.registry.collect(), key=lambda each: each.name):
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append((f"`{name}`", family.type, _names(labels) or "–", family.documentation))
    text = (
        "`/metrics` answers in Prometheus text format while `ENABLE_METRICS` is on: to loopback, or, where\n"
        "`METRICS_TOKEN` is given, to who sends it as a bearer token. Each process counts for itself. `route` is the\n"
        "template of a path, never the path; `status` is a class such as `2xx`.\n"
    )
    return _page("Metrics", text + "\n" + _table(("Metric", "Type", "Labels", "Meaning"), rows))


def jobs_page(apps: Sequence[App]) -> str:
    """Return the page of the jobs and schedules."""
    load_jobs(apps)
    ours = [each for each in JOBS.values() if each.handler.__module__.startswith(OURS)]
    rows = [
        (
            f"`{each.name}`",
            _names(each.arguments) or "–",
            str(each.retries),
            f"{each.timeout_seconds:g}",
            "–" if each.concurrency is None else str(each.concurrency),
            each.priority.name.lower(),
            _sentence(each.handler),
        )
        for each in sorted(ours, key=lambda each: each.name)
    ]
    schedules = sorted((each for app in apps for each in app.schedules), key=lambda each: each.name)
    times = [
        (
            f"`{each.name}`",
            f"`{each.job}`",
            f"`{each.cron}`",
            each.zone,
            each.catch_up,
            "every active organisation" if each.each_organization else "the installation",
        )
        for each in schedules
    ]
    text = (
        "A job is done in the background, once, with what it changes in one commit. Retries are attempts after\n"
        "the first; the time limit, in seconds, is that of one attempt; at once is how many run for one organisation.\n"
    )
    heads = ("Job", "Ids", "Retries", "Time limit", "At once", "Priority", "Does")
    told = "A schedule is a cron expression in a time zone; `once`, `skip` or `all` is what becomes of times missed.\n"
    when = ("Schedule", "Job", "When", "Zone", "Missed", "For")
    return _page("Jobs", f"{text}\n{_table(heads, rows)}\n## Schedules\n\n{told}\n{_table(when, times)}")


PAGES: dict[str, Callable[[Sequence[App]], str]] = {
    "settings.md": settings_page,
    "permissions.md": permissions_page,
    "errors.md": errors_page,
    "facts.md": facts_page,
    "routes.md": routes_page,
    "tables.md": tables_page,
    "metrics.md": metrics_page,
    "jobs.md": jobs_page,
}


# ── parts of pages ───────────────────────────────────────────────────────────────────────────────────────────────────


def fixed_routes(apps: Sequence[App]) -> list[tuple[str, str]]:
    """Return path and sentence of each route that belongs to no slice."""
    settings = Settings(environment="test", secret_key="x" * 32, _env_file=None)
    database = Database.open("sqlite:///nowhere", pool_size=1, pool_timeout=1, pool_recycle=0, pool_pre_ping=False)
    health = Health(database, settings, tuple(apps))
    routes = [*health.routes(), *metrics_route(Telemetry(), settings), *api_pages(FastAPI(), APIRouter())]
    return [(route.path, FIXED.get(route.path) or _sentence(route.endpoint).rstrip(".")) for route in routes]


def _operation(found: Endpoint) -> tuple[str, ...]:
    does = _sentence(found.declared.function).rstrip(".")
    return found.method, f"`{found.path}`", f"`{found.permission}`", does


def _own_fields(kind: type[Fact]) -> list[str]:
    base = {field.name for field in fields(Fact)}
    return [field.name for field in fields(kind) if field.name not in base]


def _described(table: Table, model: type[Any]) -> str:
    flags = []
    if table.info.get("insert_only"):
        flags.append("Insert-only: triggers refuse every later change.")
    if not model.__audited__:
        flags.append("Its rows leave no entries of their own.")
    rows = [(f"`{column.name}`", _kind(column), _notes(table, column)) for column in table.columns]
    heads = ("Column", "Type", "Notes")
    return f"### {table.name}\n\n{' '.join([_sentence(model), *flags])}\n\n{_table(heads, rows)}"


def _kind(column: Column[Any]) -> str:
    kind = column.type
    plain = type(kind).__name__
    if isinstance(kind, Choice):
        name = " or ".join(f"`{member.value}`" for member in kind.kind)
    elif plain == "Str":
        name = f"text, at most {getattr(kind, 'length', '')}"
    elif plain == "Bytes":
        name = f"bytes, at most {getattr(kind, 'length', '')}"
    elif isinstance(kind, LargeBinary):
        name = "bytes"
    elif isinstance(kind, CanonicalJson):
        name = "canonical JSON"
    else:
        known = {"Uuid": "UUID", "UtcDateTime": "moment, UTC", "Boolean": "yes or no", "Date": "day"}
        name = known.get(plain, "number")
    return f"{name}, optional" if column.nullable else name


def _notes(table: Table, column: Column[Any]) -> str:
    notes = []
    if column.primary_key:
        notes.append("key")
    for each in sorted(table.constraints, key=lambda constraint: str(constraint.name)):
        if isinstance(each, ForeignKeyConstraint) and column.name in each.column_keys and column.name != "tenant_id":
            notes.append(f"→ `{each.referred_table.name}`")
        if isinstance(each, UniqueConstraint) and column.name in each.columns and column.name != "tenant_id":
            others = [other.name for other in each.columns if other.name != column.name]
            notes.append(f"unique with {_names(others)}" if others else "unique")
    said = {"secret": "secret", "omit": "not in the trail", "untracked": "may change without an entry"}
    if column.info.get("audit") in said:
        notes.append(said[column.info["audit"]])
    return "; ".join(notes)


def _sentence(thing: object) -> str:
    """Return the first paragraph of a docstring as one line."""
    paragraph = (thing.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(paragraph.split())


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _page(title: str, body: str) -> str:
    return f"{NOTICE}\n# {title}\n\n{body.rstrip()}\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def written() -> dict[str, str]:
    """Return every page by its name."""
    apps = our_apps()
    load_models(apps)
    discover(apps)
    return {name: write(apps) for name, write in PAGES.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with --check tell which differ."""
    differing = []
    for name, text in written().items():
        page = FOLDER / name
        if not page.exists() or page.read_text() != text:
            differing.append(name)
            if "--check" not in arguments:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(text)
    if "--check" in arguments and differing:
        sys.stdout.write(f"docs/reference differs from the code in {', '.join(differing)}; run: make reference\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
