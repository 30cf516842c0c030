"""What happens to every request before and after the application, in plain ASGI.

From outside to inside: trusted proxies, request id, access log and metrics, security headers, last resort, CORS, GZip,
last resort, allowed hosts, body limit. Facts for those inside stand in `scope["state"]`:

| key | |
|---|---|
| `request_id` | the caller's X-Request-ID or a new UUIDv7 |
| `client_ip` | the caller's address as text, after trusted proxies; "" on a Unix socket |
| `trace_id` | the W3C trace id, when the caller sent one |
| `user_id`, `tenant_id` | set by whoever authenticates; log lines show them |

A route that takes a larger body sets `scope["holdfast.max_body"]` (bytes) before it reads.
"""

import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Protocol

import structlog
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.kernel import errors
from holdfast.kernel.errors.problems import Respond, problem, reported
from holdfast.kernel.ids import new_id
from holdfast.kernel.middleware.clients import header, resolve_client
from holdfast.kernel.telemetry import Telemetry, request_facts

MAX_BODY_KEY = "holdfast.max_body"
GZIP_MINIMUM = 1024
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EXPOSED = (
    "ETag, Location, X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, Link, Deprecation, Sunset, "
    "Content-Disposition, Content-Range, Idempotency-Replayed, Upload-Offset"
)
CORS_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CORS_HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "content-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "last-event-id",
    "range",
    "traceparent",
    "upload-offset",
    "x-request-id",
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not `no-referrer`: browsers then send `Origin: null` with forms, and the check of their origin needs it.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_NO_STORE = (b"cache-control", b"no-store")
_PRIVATE = ("/api/", "/console")
_QUIET = ("/health", "/metrics", "/static/", "/api/health")
_GZIP_REFUSED = re.compile(rb"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{8,64}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")

log = structlog.get_logger("holdfast.requests")


class MiddlewareSettings(Protocol):
    """The settings that this module reads."""

    @property
    def trusted_proxies(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def allowed_hosts(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def allowed_origins(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def max_body_bytes(self) -> int: ...  # noqa: D102


def wrap(app: ASGIApp, settings: MiddlewareSettings, *, telemetry: Telemetry, answer: Respond | None = None) -> ASGIApp:
    """Return the application inside the whole chain; `answer(error, request)` may show errors as pages.

    Raises ConfigurationError naming the setting that cannot be read.
    """
    render = answer or _as_problem
    app = limit_body(app, settings.max_body_bytes)
    if settings.allowed_hosts:
        app = check_host(app, settings.allowed_hosts, render)
    app = last_resort(app, render)
    app = compress(app)
    if settings.allowed_origins:
        app = share(app, settings.allowed_origins)
    app = last_resort(app, render)  # once more: what stands between the two must not answer without headers either
    app = secure(app)
    app = observe(app, telemetry)
    app = identify(app)
    return resolve_client(app, settings.trusted_proxies)


def identify(app: ASGIApp) -> ASGIApp:
    """Give every request an id, the caller's own if it is a plain one, and send it back."""

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        identifier = given if given is not None and _REQUEST_ID.fullmatch(given) else str(new_id()).encode()
        state = scope["state"]
        state["request_id"] = identifier.decode()
        trace = header(scope, b"traceparent")
        if trace is not None and (match := _TRACEPARENT.fullmatch(trace)):
            state["trace_id"] = match[1].decode()

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identifier)]
            await send(message)

        token = request_facts.set(state)
        try:
            await app(scope, receive, send_identified)
        finally:
            request_facts.reset(token)

    return identified


def observe(app: ASGIApp, telemetry: Telemetry) -> ASGIApp:
    """Count and time every request, and write its one line in the log: never its query, body or headers."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, size = 0, 0
        path: str = scope["path"]
        started = perf_counter()

        async def send_observed(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        telemetry.in_flight.inc()
        try:
            await app(scope, receive, send_observed)
        finally:
            telemetry.in_flight.dec()
            seconds = perf_counter() - started
            route = _template(scope)
            telemetry.observe(scope["method"], route, status or 500, seconds)
            write = log.debug if path.startswith(_QUIET) and status < 500 else log.info
            write(
                "request",
                method=scope["method"][:20],
                path=path[:300],
                route=route,
                status=status,
                ms=round(seconds * 1000, 2),
                bytes=size,
                ip=scope["state"]["client_ip"],
            )

    return observed


def secure(app: ASGIApp) -> ASGIApp:
    """Add the security headers that the answer does not already have; private paths are not to be stored."""

    async def secured(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        private = scope["path"].startswith(_PRIVATE)
        https = scope.get("scheme") == "https"

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers += [pair for pair in SECURITY_HEADERS if pair[0] not in present]
                if https:
                    headers.append(_HSTS)
                if private and b"cache-control" not in present:
                    headers.append(_NO_STORE)
                message["headers"] = headers
            await send(message)

        await app(scope, receive, send_secured)

    return secured


def last_resort(app: ASGIApp, answer: Respond) -> ASGIApp:
    """Answer whatever escaped as a problem; an answer that has begun is broken off, so that none takes it for whole."""

    async def caught(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        begun = whole = False

        async def send_watched(message: Message) -> None:
            nonlocal begun, whole
            begun = True
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await app(scope, receive, send_watched)
        except Exception as exception:
            error = reported(exception, scope["state"].get("request_id"))
            if scope["type"] != "http":
                await send({"type": "websocket.close", "code": 1011})
            elif begun and not whole:
                raise
            elif not begun:
                await _rendered(error, scope, receive, answer)(scope, receive, send)

    return caught


def share(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of the listed origins read answers (CORS), without cookies; `*` lists every origin but `null`."""
    everyone = "*" in origins
    allowed = {origin.rstrip("/").encode(): origin.rstrip("/").encode() for origin in origins if origin != "null"}
    allowed.pop(b"*", None)
    common = [(b"access-control-expose-headers", EXPOSED.encode())]

    def permitted(origin: bytes) -> bytes | None:
        return b"*" if everyone and origin != b"null" else allowed.get(origin)

    async def shared(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        origin = header(scope, b"origin")
        grant = permitted(origin) if origin is not None else None
        if origin is not None and scope["method"] == "OPTIONS":
            wanted = header(scope, b"access-control-request-method")
            if wanted is not None:
                await _preflight(scope, grant, wanted)(scope, receive, send)
                return

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if grant is not None:
                    headers += [(b"access-control-allow-origin", grant), *common]
                if not everyone:
                    headers.append((b"vary", b"Origin"))
                message["headers"] = headers
            await send(message)

        await app(scope, receive, send_shared)

    return shared


def compress(app: ASGIApp) -> ASGIApp:
    """Compress answers of 1 KiB and more that are neither compressed nor an event stream."""
    packed = (
        "application/octet-stream",
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    )
    zipped = GZipMiddleware(
        app,
        minimum_size=GZIP_MINIMUM,
        compresslevel=4,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *packed),
    )

    async def compressed(scope: Scope, receive: Receive, send: Send) -> None:
        accepted = header(scope, b"accept-encoding") if scope["type"] == "http" else None
        if accepted is not None and b"gzip" in accepted and not _GZIP_REFUSED.search(accepted):
            await zipped(scope, receive, send)
        else:
            await app(scope, receive, send)

    return compressed


def check_host(app: ASGIApp, hosts: Sequence[str], answer: Respond) -> ASGIApp:
    """Refuse a Host that is not listed (`*.example.org` lists the subdomains); probes of /health go by address."""
    exact = {host.lower() for host in hosts}
    suffixes = tuple(host[1:].lower() for host in hosts if host.startswith("*."))

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and "*" not in exact and not scope["path"].startswith("/health/"):
            given = (header(scope, b"host") or b"").decode("latin-1").lower()
            name = given.rpartition(":")[0] if ":" in given and not given.endswith("]") else given
            if name not in exact and not (suffixes and name.endswith(suffixes)):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                    return
                error = errors.BadRequest("This installation does not answer under that host name.")
                await _rendered(error, scope, receive, answer)(scope, receive, send)
                return
        await app(scope, receive, send)

    return checked


def limit_body(app: ASGIApp, maximum: int) -> ASGIApp:
    """Raise ContentTooLarge inside whoever reads a body beyond `maximum` bytes, announced or streamed.

    The check waits for the first read, so that the route may have set `scope["holdfast.max_body"]` by then.
    """

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        length = header(scope, b"content-length")
        announced = int(length) if length is not None and length.isdigit() and len(length) < 20 else 0
        total = 0

        async def receive_limited() -> Message:
            nonlocal total
            limit: int = scope.get(MAX_BODY_KEY, maximum)
            if announced > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                total += len(message.get("body", b""))
                if total > limit:
                    raise _too_large(limit)
            return message

        await app(scope, receive_limited, send)

    return limited


def _too_large(limit: int) -> errors.ContentTooLarge:
    # The rest of the body is not read: the connection cannot be used again.
    fault = errors.FieldError("body", "too_large", f"is larger than {limit} bytes")
    return errors.ContentTooLarge(f"body: {fault.message}", errors=(fault,), headers={"Connection": "close"})


def _as_problem(error: errors.HoldfastError, request: Request) -> Response:
    return problem(error, request.scope["state"].get("request_id"))


def _rendered(error: errors.HoldfastError, scope: Scope, receive: Receive, answer: Respond) -> Response:
    try:
        return answer(error, Request(scope, receive))
    except Exception:
        log.exception("error_page_failed")
        return problem(error, scope["state"].get("request_id"))


def _preflight(scope: Scope, grant: bytes | None, method: bytes) -> Response:
    wanted = (header(scope, b"access-control-request-headers") or b"").decode("latin-1").lower()
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    vary = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
    if grant is None or method.decode("latin-1") not in CORS_METHODS or not set(names) <= set(CORS_HEADERS):
        what = "origin" if grant is None else "method or header"
        refusal = errors.Forbidden(f"Requests of this {what} from other sites are not allowed.", headers=vary)
        return problem(refusal, scope["state"].get("request_id"))
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": grant.decode(),
            "Access-Control-Allow-Methods": ", ".join(CORS_METHODS),
            "Access-Control-Allow-Headers": ", ".join(CORS_HEADERS),
            "Access-Control-Max-Age": "600",
            **vary,
        },
    )


def _template(scope: Scope) -> str:
    """Return the path template of the route that answered: the label of metrics must not grow with paths."""
    route: Any = scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    return template if isinstance(template, str) else "unmatched"
