"""The composition root: settings → database → slices → ASGI app. The only place that knows all of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from holdfast.core.audit.public import Trail
from holdfast.core.identity.public import (
    SLOT,
    AccessTokens,
    Desk,
    Passwords,
    SessionAuthenticator,
    SessionCookie,
    table_of_roles,
)
from holdfast.kernel import problems
from holdfast.kernel.clock import Clock, system_clock
from holdfast.kernel.crypto import Keys
from holdfast.kernel.discovery import Endpoint, build_router, discover
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import make_route
from holdfast.kernel.middleware import wrap
from holdfast.kernel.plugins import App, installed_apps
from holdfast.kernel.routing import Alias
from holdfast.kernel.settings import Settings
from holdfast.kernel.telemetry import Telemetry, settle_garbage_collector
from holdfast.kernel.work import Credential, Work, Works


@dataclass(slots=True)
class Installation:
    """Everything one process of an installation holds."""

    settings: Settings
    apps: tuple[App, ...]
    database: Database
    works: Works
    desk: Desk
    telemetry: Telemetry

    async def close(self) -> None:
        """Give everything back."""
        self.desk.passwords.close()
        await self.database.dispose()


def open_installation(
    settings: Settings, *, apps: Sequence[App] | None = None, clock: Clock = system_clock
) -> Installation:
    """Return the installation that the settings describe, for the server, commands and tests; no request is served."""
    chosen = installed_apps() if apps is None else tuple(apps)
    keys = Keys.derive(settings.secret_key)
    database = Database.open(
        settings.database_url,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout,
        pool_recycle=settings.pool_recycle,
        pool_pre_ping=settings.pool_pre_ping,
        sqlite_synchronous=settings.sqlite_synchronous,
    )
    tokens = AccessTokens(keys, minutes=settings.access_token_expire_min)
    roles = table_of_roles([permission for app in chosen for permission in app.permissions])
    authenticator = SessionAuthenticator(keys, tokens, roles, clock)
    works = Works(database, settings, clock, authenticator, Trail(), keys)
    desk = Desk(keys, tokens, Passwords(settings), Free(), SessionCookie.of(settings))
    works.state[SLOT] = desk
    return Installation(settings, chosen, database, works, desk, Telemetry())


class Free:
    async def sensitive(self, *, account: str | None, ip: str | None) -> None:
        return None

    async def admit(self, request: Request, work: Work | None, credential: Credential | None) -> dict[str, str]:
        return {}


@dataclass(slots=True)
class House:
    """What the routes need of the installation; fills the kernel's `Boundary`."""

    works: Works
    limits: Free
    cookie_name: str

    def check_origin(self, request: Request, work: Work) -> None:
        return None

    async def answer_error(self, request: Request, error: HoldfastError) -> Response | None:
        return None


def create_app(settings: Settings, installation: Installation | None = None) -> ASGIApp:
    """Return the ASGI application."""
    home = installation or open_installation(settings)
    house = House(home.works, Free(), home.desk.cookie.name)
    endpoints = discover(home.apps)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        settle_garbage_collector()
        yield
        await home.close()

    app = FastAPI(title=settings.app_name, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    titles = {each.name: each.title for each in home.apps}

    def route(endpoint: Endpoint):
        return make_route(
            endpoint.path,
            endpoint.declared,
            house,
            name=f"{endpoint.app}_{endpoint.declared.function.__name__}",
            tag=titles[endpoint.app],
            page=endpoint.kind == "page",
        )

    router = build_router(endpoints, route, alias=Alias() if settings.legacy_api_alias else None)
    app.router.routes.clear()
    app.router = router
    problems.install(app)
    return wrap(app, settings, telemetry=home.telemetry)
