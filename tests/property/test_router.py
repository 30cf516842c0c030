"""The indexed router answers exactly as a walk through the list of routes does."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Mount, Route, Router

from holdfast.kernel.discovery.routing import Alias, IndexedRouter, legacy_alias
from holdfast.kernel.errors import HoldfastError, MethodNotAllowed, NotFound

pytestmark = pytest.mark.unit

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
WORDS = ["a", "b", "api", "v1", "org", "by-id"]
SEGMENTS = st.sampled_from([*WORDS, "{x}", "{y}", "{x:int}", "pre-{x}", "{x}.csv", "{y:path}"])
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda parts: "/" + "/".join(parts))
ASKED = st.lists(st.sampled_from([*WORDS, "", "7", "x.csv", "pre-7", "é", "a\nb", "{x}"]), max_size=6).map(
    lambda parts: "/" + "/".join(parts)
)


async def answer() -> None:
    """Answer nothing: the tests look at the routing alone."""


def usable(path: str) -> bool:
    """Tell whether no parameter stands twice in a path."""
    return path.count("{x") < 2 and path.count("{y") < 2


def route(kind: str, path: str, methods: frozenset[str]) -> BaseRoute:
    """Return a route of one of the three kinds that the table holds."""
    if kind == "mount":
        return Mount(path.rstrip("/"), app=PlainTextResponse("mounted"))
    if kind == "api":
        return APIRoute(path, answer, methods=list(methods))
    return Route(path, endpoint=lambda _request: PlainTextResponse("plain"), methods=list(methods))


TABLES = st.lists(
    st.builds(
        route,
        st.sampled_from(["api", "api", "api", "plain", "mount"]),
        PATHS.filter(usable).filter(lambda path: "{y:path}" not in path),
        st.sets(st.sampled_from(METHODS), min_size=1, max_size=3).map(frozenset),
    )
    | st.builds(
        route,
        st.just("api"),
        PATHS.filter(usable),
        st.sets(st.sampled_from(METHODS), min_size=1, max_size=3).map(frozenset),
    ),
    max_size=14,
)


def request(path: str, method: str, root: str = "") -> dict[str, Any]:
    """Return the scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": root + path,
        "root_path": root,
        "headers": [],
        "query_string": b"",
    }


def linear(routes: Sequence[BaseRoute], scope: dict[str, Any]) -> tuple[BaseRoute | None, dict[str, Any], set[str]]:
    """Return what a walk through the list finds: the route and its part of the scope, or the methods of the path."""
    asked = ["GET", "HEAD"] if scope["method"] == "HEAD" else [scope["method"]]
    allowed: set[str] = set()
    for candidate in routes:
        for method in asked:
            match, child = candidate.matches({**scope, "method": method})
            if match is Match.FULL:
                return candidate, child, set()
            if match is Match.PARTIAL:
                allowed |= set(candidate.methods)  # type: ignore[attr-defined]
    return None, {}, allowed | ({"HEAD"} if "GET" in allowed else set())


def linear_either_slash(routes: Sequence[BaseRoute], scope: dict[str, Any]) -> tuple[Any, dict[str, Any], set[str]]:
    """Return the same where a trailing slash more or less is the same path."""
    found = linear(routes, scope)
    if found[0] is None and not found[2]:
        path = scope["path"]
        return linear(routes, {**scope, "path": path[:-1] if path.endswith("/") else path + "/"})
    return found


@settings(max_examples=400, deadline=None)
@given(TABLES, ASKED, st.sampled_from([*METHODS, "HEAD", "OPTIONS", "PROPFIND"]), st.sampled_from(["", "/proxied"]))
@example([route("api", "/a/{x}", frozenset({"GET"})), route("api", "/a/b", frozenset({"GET"}))], "/a/b", "GET", "")
@example([route("api", "/a/{x}", frozenset({"POST"})), route("api", "/a/b", frozenset({"GET"}))], "/a/b", "PUT", "")
@example([route("mount", "/a", frozenset({"GET"})), route("api", "/a/b", frozenset({"GET"}))], "/a/b", "POST", "")
@example([route("api", "/{y:path}", frozenset({"GET"})), route("api", "/a", frozenset({"GET"}))], "/a/b/", "GET", "")
@example([route("api", "/", frozenset({"GET"}))], "/", "GET", "/proxied")
def test_the_index_finds_what_the_list_finds(table: list[BaseRoute], path: str, method: str, root: str) -> None:
    scope = request(path, method, root)
    before = dict(scope)
    found = IndexedRouter(routes=table).find(scope)
    expected, child, allowed = linear_either_slash(table, scope)
    assert found.route is expected
    assert found.allowed == allowed
    assert {key: value for key, value in found.child.items() if key != "route"} == {
        key: value for key, value in child.items() if key != "route"
    }
    assert scope == before


@settings(max_examples=200, deadline=None)
@given(TABLES, ASKED, st.sampled_from(METHODS))
def test_where_the_frameworks_router_answers_ours_answers_the_same(
    table: list[BaseRoute], path: str, method: str
) -> None:
    """The framework's own router, run for real, with a recording route in each place."""
    taken: list[tuple[BaseRoute, Any]] = []

    async def note(self: BaseRoute, scope: Any, receive: Any, send: Any) -> None:
        taken.append((self, scope.get("path_params")))

    for each in table:
        each.handle = note.__get__(each)  # type: ignore[method-assign]

    async def ask(router: Router) -> Any:
        scope = request(path, method)
        taken.clear()
        try:
            await router(scope, receive, send)
        except HoldfastError as error:
            return type(error)
        return taken[0] if taken else None

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None: ...

    theirs = asyncio.run(ask(Router(routes=table, redirect_slashes=False)))
    ours = asyncio.run(ask(IndexedRouter(routes=table)))
    if theirs is None:
        assert (
            ours is NotFound
            or ours is MethodNotAllowed
            or IndexedRouter(routes=table).find(request(path, method)).path != path
        )
    elif ours is MethodNotAllowed:
        # The framework hands a request of another method to the first route of the path, which refuses it.
        assert method not in theirs[0].methods
    else:
        assert ours == theirs


# ── named cases ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Client:
    """Asks an application in this process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def ask(self, method: str, path: str) -> httpx.Response:
        """Return the answer to one request."""

        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path)

        return asyncio.run(asking())

    def __getattr__(self, name: str) -> Callable[[str], httpx.Response]:
        return lambda path: self.ask(name.upper(), path)


def application(table: Sequence[BaseRoute], **how: Any) -> Client:
    """Return a client of an application over the table, with errors shown as JSON."""
    app = FastAPI()
    app.router = IndexedRouter(routes=table, **how)

    async def shown(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HoldfastError)
        return PlainTextResponse(error.code, status_code=error.status, headers=error.headers)

    app.add_exception_handler(HoldfastError, shown)
    return Client(app)


async def echo(request: Request) -> dict[str, Any]:
    """Answer with what the route was given."""
    return {"path": request.scope["path"], "params": request.path_params, "route": request.scope["route"].path}


async def refuse() -> None:
    """Fail as an endpoint may."""
    raise NotFound("gone")


def api(path: str, *methods: str, function: Callable[..., Any] = echo) -> APIRoute:
    """Return an API route."""
    return APIRoute(path, function, methods=list(methods))


TABLE = [
    api("/api/health", "GET"),
    api("/api/v1/org/companies", "GET", "POST"),
    api("/api/v1/org/companies/{company_id}", "GET"),
    api("/api/v1/org/companies/{company_id}", "PATCH"),
    api("/api/v1/refuse", "GET", function=refuse),
    api("/slashed/", "GET"),
]


def test_a_trailing_slash_is_the_same_route_without_a_redirect() -> None:
    client = application(TABLE)
    for path in ("/api/v1/org/companies", "/api/v1/org/companies/"):
        assert client.get(path).json() == {
            "path": "/api/v1/org/companies",
            "params": {},
            "route": "/api/v1/org/companies",
        }
        assert client.post(path).status_code == 200
    assert client.get("/api/v1/org/companies/7/").json()["params"] == {"company_id": "7"}
    assert client.get("/slashed").json()["path"] == "/slashed/"
    assert client.get("/api/v1/org/companies//").status_code == 404
    assert client.delete("/api/v1/org/companies/").status_code == 405


def test_head_answers_where_get_does_with_its_headers_and_no_body() -> None:
    client = application(TABLE)
    get = client.get("/api/v1/org/companies")
    head = client.head("/api/v1/org/companies")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    assert client.head("/api/v1/missing").status_code == 404


def test_options_says_what_is_allowed_and_another_method_is_refused_with_the_same_list() -> None:
    client = application(TABLE)
    for path, allowed in (
        ("/api/v1/org/companies", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/org/companies/7", "GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/org/companies/7/", "GET, HEAD, OPTIONS, PATCH"),
    ):
        options = client.options(path)
        assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")
        refused = client.delete(path)
        assert (refused.status_code, refused.text) == (405, "METHOD_NOT_ALLOWED")
        assert refused.headers["allow"] == allowed
    assert client.options("/api/v1/missing").status_code == 404


def test_a_missing_path_is_our_own_error() -> None:
    assert application(TABLE).get("/api/v1/missing").text == "NOT_FOUND"


def test_the_old_address_answers_and_names_its_successor() -> None:
    deprecated = datetime(2026, 11, 1, tzinfo=UTC)
    client = application(TABLE, alias=Alias(deprecated, datetime(2027, 11, 1, tzinfo=UTC)))
    old = client.get("/api/org/companies/a b")
    assert old.json() == {
        "path": "/api/v1/org/companies/a b",
        "params": {"company_id": "a b"},
        "route": "/api/v1/org/companies/{company_id}",
    }
    assert old.headers["deprecation"] == f"@{int(deprecated.timestamp())}"
    assert old.headers["link"] == '</api/v1/org/companies/a%20b>; rel="successor-version"'
    assert old.headers["sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert client.post("/api/org/companies/").status_code == 200
    refused = client.delete("/api/org/companies")
    assert (refused.status_code, refused.headers["deprecation"]) == (405, old.headers["deprecation"])
    assert client.options("/api/org/companies").headers["deprecation"] == old.headers["deprecation"]
    gone = client.get("/api/refuse")
    assert (gone.status_code, gone.headers["deprecation"]) == (404, old.headers["deprecation"])
    assert "sunset" not in application(TABLE, alias=Alias()).get("/api/org/companies").headers


def test_a_link_cannot_be_broken_out_of() -> None:
    client = application(TABLE, alias=Alias())
    link = client.get('/api/org/companies/x%3E%0D%0ASet-Cookie:%20a%3Db"').headers["link"]
    assert link == '</api/v1/org/companies/x%3E%0D%0ASet-Cookie:%20a=b%22>; rel="successor-version"'


def test_an_address_of_its_own_is_no_alias_and_nothing_else_is_guessed() -> None:
    client = application(TABLE, alias=Alias())
    assert "deprecation" not in client.get("/api/health").headers
    assert client.post("/api/health").status_code == 405
    assert client.get("/api/v1/org/companies").headers.get("deprecation") is None
    missing = client.get("/api/missing")
    assert (missing.status_code, missing.headers.get("deprecation")) == (404, None)
    assert client.get("/api/v1/v1/org/companies").status_code == 404
    assert client.get("/org/companies").status_code == 404
    assert application(TABLE).get("/api/org/companies").status_code == 404


def test_the_alias_works_below_a_root_path() -> None:
    found = IndexedRouter(routes=TABLE, alias=Alias()).find(request("/api/org/companies", "GET", "/proxied"))
    assert (found.path, found.route, found.deprecated) == ("/proxied/api/v1/org/companies", TABLE[1], True)


@pytest.mark.parametrize("path", ["/api/v1/org", "/api/v1/", "/api", "/apiary", "/console", "/"])
def test_what_is_no_old_address_is_not_renamed(path: str) -> None:
    assert legacy_alias(path, request(path, "GET")) is None
    assert legacy_alias("/api/org", {**request("/api/org", "GET"), "type": "websocket"}) is None


def test_head_ends_a_stream_at_its_first_piece() -> None:
    sent: list[Any] = []

    async def streaming(_request: Request) -> Response:
        async def pieces() -> Any:
            yield b"one"
            yield b"two"

        return StreamingResponse(pieces())

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(60)

    router = IndexedRouter(routes=[Route("/stream", streaming)])
    asyncio.run(router(request("/stream", "HEAD"), receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b""
    assert not sent[1]["more_body"]


def test_every_kind_of_route_is_named_in_the_scope() -> None:
    plain = Route("/plain", lambda request: PlainTextResponse(request.scope["route"].path))
    mounted = Mount("/assets", app=PlainTextResponse("asset"))
    scope = request("/assets/x", "GET")

    async def send(message: Any) -> None: ...

    asyncio.run(IndexedRouter(routes=[plain, mounted])(scope, None, send))  # type: ignore[arg-type]
    assert scope["route"] is mounted
    assert application([plain]).get("/plain").text == "/plain"


def test_a_line_end_after_a_path_is_not_ignored() -> None:
    """The framework's expressions end in `$`, which lets one line end pass."""
    assert IndexedRouter(routes=TABLE).find(request("/api/health\n", "GET")).route is None


def test_routes_added_later_are_found() -> None:
    app = FastAPI()
    app.router = IndexedRouter(routes=TABLE)

    @app.get("/later")
    async def later() -> str:
        return "later"

    app.mount("/assets", PlainTextResponse("asset"))
    client = Client(app)
    assert client.get("/later").json() == "later"
    assert client.get("/assets/x.css").text == "asset"
    assert client.get("/assets").text == "asset"


def test_a_websocket_to_nowhere_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/api/health", "root_path": "", "headers": []}
    asyncio.run(IndexedRouter(routes=TABLE)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
