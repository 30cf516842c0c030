"""What belongs to no slice: rate limits of every request, health, the API's own pages, metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdfast import __version__
from holdfast.kernel.clock import Clock, system_clock
from holdfast.kernel.crypto import same
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import ConfigurationError, HoldfastError, Unauthenticated
from holdfast.kernel.jobs.claiming import queue_lag
from holdfast.kernel.jobs.engine import Engine
from holdfast.kernel.limits import CONSOLE, Limiter, address_limit, api_limit
from holdfast.kernel.middleware.clients import address_key
from holdfast.kernel.pages import docs_page, render
from holdfast.kernel.pages.assets import Assets
from holdfast.kernel.plugins import App
from holdfast.kernel.schemas import Problem
from holdfast.kernel.settings import Settings
from holdfast.kernel.telemetry import Telemetry
from holdfast.kernel.work import Work

HEALTH_SECONDS = 1.0
LATE_SECONDS = 60.0  # a job that is due for longer waits for workers that are not there
ANSWER_SECONDS = 2.0  # a database that takes longer is not one to work with
API_VERSION = "1"
UNEXPECTED = "Something failed on our side; the log tells of it under the request id."


def may_tell(settings: Settings) -> bool:
    """Tell whether the anonymous may learn version and features: while nothing but a trial runs here."""
    return settings.environment in {"development", "test"}


def told_version(settings: Settings) -> str:
    """Return the version that the API's description names; it has to name one."""
    return __version__ if may_tell(settings) else API_VERSION


class RateLimits:
    """The general class of the limits: per credential, and per address for those without a good one."""

    def __init__(self, limiter: Limiter, settings: Settings) -> None:
        self._limiter = limiter
        self._token = api_limit(settings.rate_limit_per_minute)
        self._address = address_limit(settings.rate_limit_per_minute)

    async def admit(self, request: Request, work: Work | None, *, cost: int = 1) -> dict[str, str]:
        """Count the request as so many and return the headers that tell of it; raise RateLimited."""
        if work is None or work.actor.session_id is None:
            key, limit = address_key(request.scope["state"].get("client_ip", "")), self._address
        else:
            cookie = getattr(request.state, "credential_kind", None) == "cookie"
            key, limit = work.actor.session_id.hex, CONSOLE if cookie else self._token
        decision = await self._limiter.require((key, limit), cost=cost)
        return decision.headers()


@dataclass(slots=True)
class Health:
    """Whether the process can do its work; asked at most once a second, however often it is probed."""

    database: Database
    settings: Settings
    apps: tuple[App, ...]
    clock: Clock = system_clock
    late: bool = False
    engine: Engine | None = None
    checked_at: float = 0.0
    faults: tuple[str, ...] = ()
    closing: bool = False

    async def check(self) -> tuple[str, ...]:
        """Return what is wrong, one word a component; empty when ready."""
        if self.closing:
            return ("closing",)
        if time.monotonic() - self.checked_at > HEALTH_SECONDS:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    link = await self.database.acquire(write=False)
                    try:
                        self.late = await queue_lag(link, self.clock) > LATE_SECONDS
                    finally:
                        await link.close()
                self.faults = ()
            except (HoldfastError, TimeoutError):
                self.faults = ("database",)
            self.checked_at = time.monotonic()
        return self.faults

    def jobs(self, faults: tuple[str, ...]) -> str:
        """Return in one word how the background jobs are."""
        if "database" in faults:
            return "unknown"
        if self.settings.read_only:
            return "paused"
        if self.engine is not None and not self.engine.alive():
            return "stopped"
        return "late" if self.late else "up"

    async def live(self, _: Request) -> Response:
        """Answer that the process runs; touches nothing else."""
        return _json({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Answer 200 when requests can be served, 503 otherwise; jobs that are not done keep no request away."""
        faults = await self.check()
        if faults:
            return _json({"status": "unavailable"}, 503)
        jobs = self.jobs(faults)
        return _json({"status": "ok"} if jobs == "up" else {"status": "ok", "jobs": jobs})

    async def components(self, _: Request) -> Response:
        """Answer per component; anonymous, so states only."""
        faults = await self.check()
        states = {"database": "down" if "database" in faults else "up", "jobs": self.jobs(faults)}
        return _json({"status": "unavailable" if faults else "ok", "components": states}, 503 if faults else 200)

    async def info(self, _: Request) -> Response:
        """Name the product and, outside production, its features."""
        told: dict[str, object] = {"name": self.settings.app_name}
        if may_tell(self.settings):
            told["version"] = __version__
            told["features"] = [{"name": app.name, "title": app.title} for app in self.apps]
        return _json(told)

    async def root(self, request: Request) -> Response:
        """Send a person to the console and tell a program where it is."""
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/console", 303)
        told = {"name": self.settings.app_name, "api": "/api/v1", "documentation": "/api/docs"}
        if may_tell(self.settings):
            told["version"] = __version__
        return _json(told)

    def routes(self) -> list[Route]:
        """Return the routes of health and information."""
        paths: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self.root,
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/api/health": self.components,
            "/api/healthz": self.live,
            "/api/system/info": self.info,
        }
        return [Route(path, answer, methods=["GET"], include_in_schema=False) for path, answer in paths.items()]


def metrics_route(telemetry: Telemetry, settings: Settings) -> list[Route]:
    """Return the route of the metrics: for loopback, or for who knows METRICS_TOKEN."""

    async def metrics(request: Request) -> Response:
        token = settings.metrics_token.encode()
        given = request.headers.get("authorization", "").encode()
        peer = request.scope["state"].get("client_ip")
        if not (same(given, b"Bearer " + token) if token else peer in {"127.0.0.1", "::1", ""}):
            raise Unauthenticated("The metrics are for loopback, or for who knows METRICS_TOKEN.")
        body, kind = telemetry.render()
        return Response(body, media_type=kind)

    return [Route("/metrics", metrics, methods=["GET"], include_in_schema=False)] if settings.enable_metrics else []


def static_files(assets: Assets) -> list[Route]:
    """Return the route of style sheets, scripts and fonts."""

    async def answer(request: Request) -> Response:
        return assets.respond(request, request.path_params["version"], request.path_params["path"])

    return [Route("/static/{version}/{path:path}", answer, methods=["GET"], include_in_schema=False)]


def api_pages(app: FastAPI, router: APIRouter) -> list[Route]:
    """Return the routes of the OpenAPI document and of the pages that show it, usable without a network."""
    kept: list[bytes] = []

    async def openapi(_: Request) -> Response:
        if not kept:
            kept.append(orjson.dumps(openapi_of(app, router)))
        return Response(kept[0], media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def swagger(request: Request) -> Response:
        return docs_page(request, "swagger", description_url="/api/openapi.json", redoc_url="/api/redoc")

    async def redoc(request: Request) -> Response:
        return docs_page(request, "redoc", description_url="/api/openapi.json", swagger_url="/api/docs")

    paths = {"/api/openapi.json": openapi, "/api/docs": swagger, "/docs": swagger, "/api/redoc": redoc}
    return [Route(path, answer, methods=["GET"], include_in_schema=False) for path, answer in paths.items()]


def errors_page() -> list[Route]:
    """Return the route that the `type` of a problem points at: every error with its meaning."""

    async def errors(request: Request) -> Response:
        return render(request, "errors.html", errors=list(told_errors()))

    return [Route("/docs/reference/errors", errors, methods=["GET"], include_in_schema=False)]


def told_errors(kind: type[HoldfastError] = HoldfastError) -> Iterator[dict[str, object]]:
    """Yield what the page shows of an error and those below it, each code once: the class that first has it."""
    if kind is ConfigurationError:
        return
    inherited = any(getattr(base, "code", None) == kind.code for base in kind.__mro__[1:])
    if not inherited:
        meaning = UNEXPECTED if kind is HoldfastError else (kind.__doc__ or "").partition("\n")[0]
        anchor = kind.code.lower().replace("_", "-")
        yield {"anchor": anchor, "code": kind.code, "status": kind.status, "title": kind.title, "meaning": meaning}
    for special in sorted(kind.__subclasses__(), key=lambda each: (each.status, each.code)):
        yield from told_errors(special)


def openapi_of(app: FastAPI, router: APIRouter) -> dict[str, Any]:
    """Return the OpenAPI document, with how each operation is authorised."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        routes=router.routes,
        description="Sign in at `/api/v1/auth/login`, or with the Authorize button. Errors are RFC 9457 problems.",
    )
    components = document.setdefault("components", {})
    _, problem = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(problem["$defs"])
    components["securitySchemes"] = {
        "password": {
            "type": "oauth2",
            "flows": {
                "password": {"tokenUrl": "/api/v1/auth/token", "refreshUrl": "/api/v1/auth/refresh", "scopes": {}}
            },
        },
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path in document["paths"].values():
        for operation in path.values():
            if operation.get("x-permission") not in {None, "public"}:
                operation["security"] = [{"password": []}, {"bearer": []}]
    return document


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json", headers={"Cache-Control": "no-store"})
