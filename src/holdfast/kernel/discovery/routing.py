"""The router: finding a route takes constant time, however many there are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.telemetry._api import _route_selected
from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import Lifespan, Message, Receive, Scope, Send

from holdfast.kernel.errors import HoldfastError, MethodNotAllowed, NotFound

API_PREFIX = "/api/v1"
_PARAMETER = re.compile(r"\{[A-Za-z_]\w*(:str)?\}")


@dataclass(frozen=True, slots=True)
class Alias:
    """How long the addresses without a version still answer: `/api/x` for `/api/v1/x` (RFC 9745, RFC 8594)."""

    deprecated: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    sunset: datetime | None = None

    def headers(self, successor: str) -> dict[str, str]:
        """Return what an answer at the old address says; `successor` is the decoded new path."""
        target = quote(successor, safe="/:@!$&'()*+,;=-._~")
        said = {
            "Deprecation": f"@{int(self.deprecated.timestamp())}",
            "Link": f'<{target}>; rel="successor-version"',
        }
        if self.sunset is not None:
            said["Sunset"] = format_datetime(self.sunset.astimezone(UTC), usegmt=True)
        return said


def legacy_alias(path: str, scope: Scope) -> Scope | None:
    """Return the scope as if asked at `/api/v1/…`; None where `path`, below the root path, is no old address."""
    if scope["type"] != "http" or not path.startswith("/api/") or path.startswith(API_PREFIX + "/"):
        return None
    root = str(scope["path"])[: len(scope["path"]) - len(path)]
    return {**scope, "path": f"{root}{API_PREFIX}{path[4:]}"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the table holds for a request: the route with what it adds to the scope, or the methods of its path."""

    path: str
    route: BaseRoute | None = None
    child: Scope = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    deprecated: bool = False


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """A route with its place in the table and its methods; None where only the route itself can tell."""

    rank: int
    route: BaseRoute = field(compare=False)
    methods: frozenset[str] | None = field(compare=False)


@dataclass(slots=True)
class _Node:
    """A place in the tree of segments: what follows a static one, what follows any, and what ends or branches here."""

    static: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    here: list[_Candidate] = field(default_factory=list)
    below: list[_Candidate] = field(default_factory=list)


class IndexedRouter(APIRouter):
    """The framework's router with a tree of path segments in place of its list; it answers as the list would.

    Differences, all wanted: a trailing slash is optional instead of redirected, HEAD answers wherever GET does,
    OPTIONS gives 204, `Allow` names the methods of all routes of the path, a line end after a path is not ignored,
    and the errors are NotFound and MethodNotAllowed.
    """

    def __init__(
        self, *, routes: Sequence[BaseRoute] = (), alias: Alias | None = None, lifespan: Lifespan[Any] | None = None
    ) -> None:
        super().__init__(routes=list(routes), redirect_slashes=False, lifespan=lifespan)
        self.alias = alias
        self._index()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its route; raise NotFound or MethodNotAllowed where there is none."""
        scope.setdefault("router", self)
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        found = self.find(scope)
        headers = self.alias.headers(found.path) if self.alias is not None and found.deprecated else {}
        if found.route is not None:
            scope["path"] = found.path
            scope["route"] = found.route
            scope.update(found.child)
            mount = isinstance(found.route, Mount)
            _route_selected(scope=scope, path=getattr(found.route, "path_format", None), mount=mount)
            if headers:
                await _run_deprecated(found.route, scope, receive, send, headers)
            else:
                await _run(found.route, scope, receive, send)
        elif scope["type"] == "websocket":
            await self.not_found(scope, receive, send)
        elif not found.allowed:
            raise NotFound
        else:
            headers["Allow"] = ", ".join(sorted(found.allowed | {"OPTIONS"}))
            if scope["method"] != "OPTIONS":
                raise MethodNotAllowed(f"This address answers {headers['Allow']}.", headers=headers)
            await Response(status_code=204, headers=headers)(scope, receive, send)

    def find(self, scope: Scope) -> Found:
        """Return the route that answers a request, or what its path allows, without changing the scope."""
        if self._size != len(self.routes):
            self._index()
        found = self._match(scope) or self._match(_other_slash(scope))
        if found is None and self.alias is not None:
            renamed = legacy_alias(get_route_path(scope), scope)
            if renamed is not None:
                found = self._match(renamed) or self._match(_other_slash(renamed))
                if found is not None:
                    return replace(found, deprecated=True)
        return found or Found(scope["path"])

    def _match(self, scope: Scope) -> Found | None:
        method = scope.get("method")
        candidates = self._candidates(get_route_path(scope))
        partial: Found | None = None
        for candidate in candidates:
            if candidate.methods is None or method in candidate.methods:
                match, child = candidate.route.matches(scope)
                if match is Match.FULL or (match is Match.PARTIAL and candidate.methods is not None):
                    return Found(scope["path"], candidate.route, child)
                if match is Match.PARTIAL and partial is None:
                    partial = Found(scope["path"], candidate.route, child)
        allowed: frozenset[str] = frozenset()
        for candidate in candidates:
            if candidate.methods is not None and candidate.route.matches(scope)[0] is not Match.NONE:
                allowed |= candidate.methods
        return Found(scope["path"], allowed=allowed) if allowed else partial

    def _candidates(self, path: str) -> Sequence[_Candidate]:
        """Return the routes that may answer at the path, in the order of the table."""
        nodes = [self._root]
        found: list[_Candidate] = []
        for segment in path.split("/")[1:]:
            following: list[_Node] = []
            for node in nodes:
                found += node.below
                if (static := node.static.get(segment)) is not None:
                    following.append(static)
                if node.parameter is not None:
                    following.append(node.parameter)
            nodes = following
            if not nodes:
                break
        for node in nodes:
            found += node.here
        return sorted(found) if len(found) > 1 else found

    def _index(self) -> None:
        """Build the tree of segments from the table."""
        self._size = len(self.routes)
        self._root = _Node()
        for rank, route in enumerate(self.routes):
            candidate = _Candidate(rank, route, _methods(route))
            if not isinstance(route, (Route, WebSocketRoute, Mount)):
                self._root.below.append(candidate)
                continue
            path = f"{route.path}/{{path:path}}" if isinstance(route, Mount) else route.path
            _insert(self._root, candidate, path.split("/")[1:])


def _methods(route: BaseRoute) -> frozenset[str] | None:
    methods = frozenset(route.methods or ()) if isinstance(route, Route) else frozenset()
    return methods | {"HEAD"} if "GET" in methods else methods or None


def _insert(node: _Node, candidate: _Candidate, segments: Sequence[str]) -> None:
    for segment in segments:
        if "{" not in segment:
            node = node.static.setdefault(segment, _Node())
        elif _PARAMETER.fullmatch(segment):
            node.parameter = node.parameter or _Node()
            node = node.parameter
        else:
            node.below.append(candidate)
            return
    node.here.append(candidate)


def _other_slash(scope: Scope) -> Scope:
    path: str = scope["path"]
    return {**scope, "path": path[:-1] if path.endswith("/") else f"{path}/"}


async def _run(route: BaseRoute, scope: Scope, receive: Receive, send: Send) -> None:
    if scope.get("method") != "HEAD":
        await route.handle(scope, receive, send)
    elif isinstance(route, Route):
        # The route knows no HEAD and would refuse it; its application does not look at the method.
        await route.app(scope, receive, _without_body(send))
    else:
        await route.handle(scope, receive, _without_body(send))


async def _run_deprecated(
    route: BaseRoute, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
) -> None:
    """Run a route whose answer says that its address is old, also where the answer is an error made further out."""
    try:
        await _run(route, scope, receive, _with_headers(send, headers))
    except HoldfastError as error:
        error.headers.update(headers)
        raise


def _without_body(send: Send) -> Send:
    """Return a `send` that ends the answer at its first piece of body, as HEAD asks (RFC 9110, 9.3.2)."""
    ended = False

    async def head(message: Message) -> None:
        nonlocal ended
        if message["type"] != "http.response.body":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    """Return a `send` that adds headers to the answer."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return adding
