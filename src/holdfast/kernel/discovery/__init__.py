"""From endpoint files to operations: where a file stands is its path.

`<package>/endpoints/hazards/by_hazard_id/close.py` of an app mounted at `safety` answers at
`/api/v1/safety/hazards/{hazard_id}/close`; `<package>/pages/…` the same below `/console`.
"""

import importlib
import importlib.resources
import inspect
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, Literal

from starlette.routing import BaseRoute
from starlette.types import Lifespan

from holdfast.kernel.discovery.routing import API_PREFIX, Alias, IndexedRouter
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.http import Declared, Routes
from holdfast.kernel.plugins import App

Kind = Literal["api", "page"]

PAGES_PREFIX = "/console"
LOCK_COMMAND = "holdfast routes > routes.lock"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MOUNT = re.compile(r"([a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)*)?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation that an endpoint or page file declares, at the path where the file stands."""

    method: str
    path: str
    declared: Declared
    module: str
    file: str
    app: str
    kind: Kind

    @property
    def permission(self) -> str:
        """Return the permission that the operation asks for, or `signed_in`, or `public`."""
        verb = self.declared.verb
        return "public" if verb is None else verb.permission or verb.access


@dataclass(frozen=True, slots=True)
class _File:
    """An endpoint file before its import."""

    path: str
    module: str
    file: str
    app: str
    kind: Kind


# ── from files to endpoints ──────────────────────────────────────────────────────────────────────────────────────────


def discover(apps: Sequence[App]) -> tuple[Endpoint, ...]:
    """Return every operation that the apps' files declare, ordered by path, static segments before parameters.

    Raises ConfigurationError, naming the file, for whatever would leave a route missing, doubtful or unguarded.
    """
    files = [file for app in apps for file in _files(app)]
    _refuse_shared_mounts(apps, files)
    _refuse_two_names(files)
    found = sorted((endpoint for file in files for endpoint in _operations(file)), key=_order)
    for first, second in pairwise(found):
        if (first.method, first.path) == (second.method, second.path):
            where = "twice" if first.file == second.file else f"and so does {second.file}"
            raise ConfigurationError(f"{first.file} answers {first.method} {first.path}, {where}.")
    return tuple(found)


def _order(endpoint: Endpoint) -> tuple[list[str], int]:
    # The brace of a parameter sorts behind every character that a static segment may have.
    return endpoint.path.split("/"), _METHODS.index(endpoint.method)


def _files(app: App) -> Iterator[_File]:
    """Yield the endpoint and page files of an app and of the slices directly below it, which share its mount."""
    try:
        root = importlib.resources.files(app.package)
    except ImportError as error:
        raise ConfigurationError(f"The app {app.name!r} names the package {app.package}: {error}") from error
    parts: tuple[tuple[str, Kind, str, str | None], ...] = (
        ("endpoints", "api", API_PREFIX, app.mount),
        ("pages", "page", PAGES_PREFIX, app.pages),
    )
    for part, kind, prefix, mount in parts:
        slices = [((), root)] + [((folder.name,), folder) for folder in _folders(root) if folder.name != part]
        for below, folder in slices:
            start = folder / part
            if not start.is_dir():
                continue
            if mount is None or not _MOUNT.fullmatch(mount):
                raise ConfigurationError(
                    f"The app {app.name!r} ({app.package}) has {part}/ but its mount {mount!r} is no path: "
                    "write it as `org` or `org/staff`, empty for the root."
                )
            url = f"{prefix}/{mount}".rstrip("/")
            yield from _walk(app, kind, start, (*below, part), url)


def _folders(folder: Traversable) -> list[Traversable]:
    found = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__"))]
    return sorted(found, key=lambda entry: entry.name)


def _walk(app: App, kind: Kind, folder: Traversable, parts: tuple[str, ...], url: str) -> Iterator[_File]:
    if not (folder / "__init__.py").is_file():
        where = _shown(app, parts)
        raise ConfigurationError(f"{where}/ has no __init__.py: the import contracts would not see its files.")
    for inner in _folders(folder):
        below = (*parts, inner.name)
        if (folder / f"{inner.name}.py").is_file():
            both = _shown(app, below)
            raise ConfigurationError(f"{both}.py is hidden by the folder {both}/: move it to {inner.name}/index.py.")
        yield from _walk(app, kind, inner, below, f"{url}/{_segment(inner.name, _shown(app, below), folder=True)}")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and entry.name.endswith(".py"))
    for name in names:
        if name == "__init__.py":
            continue
        stem = name.removesuffix(".py")
        file = _shown(app, (*parts, name))
        segment = _segment(stem, file, folder=False)
        path = f"{url}/{segment}" if segment else url
        yield _File(path or "/", ".".join((app.package, *parts, stem)), file, app.name, kind)


def _shown(app: App, parts: tuple[str, ...]) -> str:
    """Return how a file is named to people: from the repository's root for ours, `package:path` for a foreign app's."""
    inside = "/".join(parts)
    ours = app.package.split(".")[0] == "holdfast"
    return f"src/{app.package.replace('.', '/')}/{inside}" if ours else f"{app.package}:{inside}"


def _segment(name: str, file: str, *, folder: bool) -> str:
    """Return the path segment that a file or folder name stands for; empty for `index.py`."""
    plain = name[:-1] if keyword.iskeyword(name[:-1]) and name.endswith("_") else name
    if plain == "index" and not folder:
        return ""
    if not _NAME.fullmatch(plain) or plain in ("index", "by") or keyword.iskeyword(name):
        advice = f" Write {name}_." if keyword.iskeyword(name) else ""
        raise ConfigurationError(
            f"{file}: {name!r} cannot be a part of a path: small letters, digits and single underscores.{advice}"
        )
    return "{" + plain[3:] + "}" if plain.startswith("by_") else plain.replace("_", "-")


def _operations(file: _File) -> Iterator[Endpoint]:
    try:
        module = importlib.import_module(file.module)
    except Exception as error:
        raise ConfigurationError(f"{file.file} cannot be imported: {type(error).__name__}: {error}") from error
    router = getattr(module, "router", None)
    if not isinstance(router, Routes):
        raise ConfigurationError(f"{file.file} has no `router = Routes()`.")
    if not router.declared:
        raise ConfigurationError(f"{file.file} declares no operation.")
    for declared in router.declared:
        what = f"{file.file}: {declared.method} `{declared.function.__name__}`"
        if declared.verb is None and not (declared.public or "").strip():
            raise ConfigurationError(f"{what} names no verb and gives no reason to be public.")
        if not inspect.iscoroutinefunction(declared.function):
            raise ConfigurationError(f"{what} is not async: it would run in a thread of its own.")
        yield Endpoint(declared.method, file.path, declared, file.module, file.file, file.app, file.kind)


def _refuse_shared_mounts(apps: Sequence[App], files: Iterable[_File]) -> None:
    """Raise where a file of one app stands below the mount of another, so that each prefix has one owner."""
    owners: dict[str, str] = {}
    for app in apps:
        for prefix, mount in ((API_PREFIX, app.mount), (PAGES_PREFIX, app.pages)):
            other = owners.setdefault(f"{prefix}/{mount}", app.name) if mount else app.name
            if other != app.name:
                raise ConfigurationError(f"The apps {other!r} and {app.name!r} share the mount {prefix}/{mount}.")
    for file in files:
        segments = file.path.split("/")
        for depth in range(len(segments), 1, -1):
            owner = owners.get("/".join(segments[:depth]))
            if owner == file.app:
                break
            if owner is not None:
                raise ConfigurationError(f"{file.file} of {file.app!r} answers at {file.path}, which is {owner!r}'s.")


def _refuse_two_names(files: Iterable[_File]) -> None:
    """Raise where one place in the paths has two parameter names, or one path has a name twice."""
    names: dict[str, tuple[str, str]] = {}
    for file in files:
        place = ""
        seen: set[str] = set()
        for segment in file.path.split("/")[1:]:
            if segment.startswith("{"):
                if segment in seen:
                    raise ConfigurationError(f"{file.file}: the path {file.path} has {segment} twice.")
                seen.add(segment)
                other, where = names.setdefault(place, (segment, file.file))
                if other != segment:
                    raise ConfigurationError(
                        f"{where} calls the parameter below {place or '/'} {other}, {file.file} calls it {segment}."
                    )
            place += "/{}" if segment.startswith("{") else f"/{segment}"


def build_router(
    endpoints: Iterable[Endpoint],
    make_route: Callable[[Endpoint], BaseRoute],
    *,
    alias: Alias | None = None,
    lifespan: Lifespan[Any] | None = None,
) -> IndexedRouter:
    """Return the router over the routes that `make_route` makes of the endpoints, in their order."""
    return IndexedRouter(routes=[make_route(endpoint) for endpoint in endpoints], alias=alias, lifespan=lifespan)


# ── routes.lock ──────────────────────────────────────────────────────────────────────────────────────────────────────


def routes_lock(endpoints: Iterable[Endpoint]) -> str:
    """Return the text of `routes.lock`: a line `METHOD path permission file` for each operation, ordered by path."""
    ordered = sorted(endpoints, key=_order)
    return "".join(f"{found.method} {found.path} {found.permission} {found.file}\n" for found in ordered)


def lock_difference(locked: str, endpoints: Iterable[Endpoint]) -> str | None:
    """Return the first line in which `routes.lock` and the code differ and how to mend it; None if they agree."""
    old, new = locked.splitlines(), routes_lock(endpoints).splitlines()
    if old == new:
        return None if locked.endswith("\n") or not locked else f"routes.lock lacks its last line end. {LOCK_COMMAND}"
    at = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was = old[at] if at < len(old) else "(nothing)"
    now = new[at] if at < len(new) else "(nothing)"
    return f"routes.lock, line {at + 1}:\n  locked: {was}\n  code:   {now}\nIf the code is right: {LOCK_COMMAND}"
