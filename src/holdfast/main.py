"""The composition root: settings → database → slices → ASGI app. The only place that knows all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from holdfast import __version__
from holdfast.core.audit.public import Catalogue, Trail
from holdfast.core.console.public import ABSENT
from holdfast.core.directory.public import Keeper
from holdfast.core.files import public as files
from holdfast.core.identity.public import (
    SLOT,
    AccessTokens,
    Desk,
    Passwords,
    SessionAuthenticator,
    SessionCookie,
    ensure_system,
    keep_administrators,
    labels_of,
    note_presence,
    people_called,
    surroundings,
    switched_off,
)
from holdfast.core.jobs.public import Troubles
from holdfast.core.notify.public import Telling, Texts, close_transport
from holdfast.demo import demo_sign_ins, has_demo
from holdfast.front import Health, RateLimits, api_pages, errors_page, metrics_route, static_files, told_version
from holdfast.kernel.cache import open_cache
from holdfast.kernel.clock import Clock, system_clock
from holdfast.kernel.crypto import Keys, mac
from holdfast.kernel.discovery import Endpoint, build_router, discover
from holdfast.kernel.discovery.routing import Alias
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import ConfigurationError, HoldfastError, NotFound, problems
from holdfast.kernel.http import WorkRoute, make_route
from holdfast.kernel.jobs.claiming import count_queue
from holdfast.kernel.jobs.engine import EmbeddedEngine, Engine
from holdfast.kernel.jobs.queue import JobQueue
from holdfast.kernel.jobs.schedules import Timetable
from holdfast.kernel.jobs.schedules import check as check_schedules
from holdfast.kernel.jobs.waking import Waker
from holdfast.kernel.keys import MasterKeyMissing, Masters
from holdfast.kernel.limits import Limiter
from holdfast.kernel.limits.throttle import open_limiter
from holdfast.kernel.middleware import wrap
from holdfast.kernel.pages import START, Pages
from holdfast.kernel.pages.forms import check_csrf
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.plugins import App, installed_apps, load_jobs
from holdfast.kernel.settings import Settings, refusals
from holdfast.kernel.telemetry import Telemetry, configure_logging, settle_garbage_collector, start_error_reports
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work, Works
from holdfast.mail_catcher import mail_pages
from holdfast.migrations import run
from holdfast.migrations.role import role_faults

HOUSEKEEPING_SECONDS = 15.0

log = structlog.get_logger("holdfast")


@dataclass(slots=True)
class Installation:
    """Everything one process of an installation holds."""

    settings: Settings
    apps: tuple[App, ...]
    database: Database
    works: Works
    desk: Desk
    trail: Trail
    limiter: Limiter
    telemetry: Telemetry
    authenticator: SessionAuthenticator
    waker: Waker

    def engine(self) -> Engine:
        """Return an engine for this process's jobs, which is still to be started."""
        assert isinstance(self.works.queue, JobQueue)
        timetable = Timetable(self.works, self.works.queue, check_schedules(self.apps))
        return EmbeddedEngine(
            self.works,
            self.waker,
            timetable,
            principals=self.authenticator,
            outcomes=Troubles(),
            seen=self.telemetry,
        )

    async def tidy(self) -> None:
        """Write what was noted in memory: presence of browser sessions, counts of repeated refusals."""
        await note_presence(self.works)
        await self.trail.settle(self.works)

    async def count(self) -> None:
        """Count what waits, for the metrics: also where other processes do it."""
        await count_queue(self.database, self.works.clock, self.telemetry)

    async def close(self) -> None:
        """Give everything back."""
        self.desk.passwords.close()
        await self.limiter.close()
        await self.works.cache.close()
        await close_transport(self.works)
        await self.database.dispose()


def open_installation(
    settings: Settings, *, apps: Sequence[App] | None = None, clock: Clock = system_clock
) -> Installation:
    """Return the installation that the settings describe, for the server, commands and tests; nothing is served yet."""
    chosen = installed_apps() if apps is None else tuple(apps)
    run.load_models(chosen)
    load_jobs(chosen)
    check_schedules(chosen)
    keys, masters = Keys.derive(settings.secret_key), Masters.open(settings)
    telemetry = Telemetry()
    database = _open_database(settings)
    telemetry.watch_pool(in_use=lambda: database.in_use, size=lambda: settings.pool_size)
    limiter = open_limiter(settings, database.acquire, secret=keys.names, on_refused=telemetry.refused)
    cache = open_cache(
        redis_url=settings.redis_url,
        tag=f"{mac(keys.names, b'cache')[:8].hex()}:{__version__}",
        at_most=settings.cache_max_mb * 1024 * 1024,
        on_asked=telemetry.asked_cache,
    )
    tokens = AccessTokens(keys, minutes=settings.access_token_expire_min)
    hints = demo_sign_ins() if settings.demo else ()
    permissions = tuple(each for app in chosen for each in app.permissions)
    label = "live" if settings.environment == "production" else "test"
    desk = Desk(
        keys,
        tokens,
        Passwords(settings),
        limiter,
        SessionCookie.of(settings),
        hints,
        chosen,
        permissions=permissions,
        key_label=label,
    )
    trail = Trail()
    authenticator = SessionAuthenticator(desk, permissions, clock)
    waker = Waker(database)
    telling = Telling(Texts.load(chosen))
    works = Works(
        database,
        settings,
        clock,
        authenticator,
        trail,
        keys,
        masters,
        labels_of,
        cache,
        JobQueue(clock, waker),
        telling,
        switched_off,
        {SLOT: desk, Telling.SLOT: telling},
    )
    works.state[Catalogue.SLOT] = Catalogue(chosen, people_called)
    works.state[files.SLOT] = files.Cabinet.open(settings, chosen)
    works.state[Keeper.SLOT] = Keeper(keep_administrators)
    return Installation(settings, chosen, database, works, desk, trail, limiter, telemetry, authenticator, waker)


def _open_database(settings: Settings) -> Database:
    return Database.open(
        settings.database_url,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout,
        pool_recycle=settings.pool_recycle,
        pool_pre_ping=settings.pool_pre_ping,
        timeout=settings.database_timeout_seconds,
        sqlite_synchronous=settings.sqlite_synchronous,
        slow_query_ms=settings.slow_query_ms,
        echo=settings.log_queries,
    )


async def prepare(home: Installation) -> None:
    """Bring the database to this version, make the operators' organisation, and refuse what must not be served.

    Raises ConfigurationError for pending migrations while MIGRATE_ON_START is off, for demo accounts outside a
    demonstration, and in production for a role above the database's own locks.
    """
    settings = home.settings
    production = settings.environment == "production"
    served_by_owner = home.database.dialect != "sqlite" and run.restricted_role(settings) is None
    if production and served_by_owner:  # before it owns more than it does
        await _refuse_powerful(home)
    if not settings.migrate_on_start or (production and served_by_owner):
        faults = await run.pending(settings, home.apps)
        if faults and settings.migrate_on_start:
            raise ConfigurationError(
                "MIGRATION_DATABASE_URL must name another user than DATABASE_URL: in production the owner of the "
                "schema, who migrates it, does not serve."
            )
        if faults:
            raise ConfigurationError(f"The database is not at this version ({faults[0]}); run: holdfast migrate")
    if settings.migrate_on_start:
        await run.upgrade(settings, home.apps)
    if production:
        await _refuse_powerful(home)
    await ensure_system(home.works)
    await refuse_lost_keys(home)
    if not settings.demo and await has_demo(home.works):
        way = "use another database" if production else "serve it with --demo, or use another database"
        raise ConfigurationError(f"The database holds demo accounts, whose passwords everyone knows: {way}.")


async def refuse_lost_keys(home: Installation) -> None:
    """Raise ConfigurationError where the keys in the database cannot be opened, nor then what they sealed."""
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        try:
            await work.keyring()
        except MasterKeyMissing as error:
            place = home.works.masters.file or "MASTER_KEY"
            raise ConfigurationError(f"{place}: {error}; restore the one that the database was used with.") from error


async def _refuse_powerful(home: Installation) -> None:
    """Raise ConfigurationError where the role that serves is above the database's own locks."""
    link = await home.database.acquire(write=False)
    try:
        faults = await role_faults(link)
    finally:
        await link.close()
    if faults:
        raise ConfigurationError(" ".join(faults))


@dataclass(slots=True)
class House:
    """What the routes need of the installation; fills the kernel's `Boundary`."""

    works: Works
    limits: RateLimits
    cookie_name: str

    async def check_origin(self, request: Request, work: Work, *, unread: bool = False) -> None:
        """Refuse a changing request by cookie that did not come from our own pages."""
        if request.state.credential_kind == "cookie":
            await check_csrf(
                request,
                session_id=work.actor.session_id,
                key=self.works.keys.csrf,
                public_url=self.works.settings.public_url,
                unread=unread,
            )


def create_app(settings: Settings, installation: Installation | None = None) -> ASGIApp:
    """Return the ASGI application of an installation; one that is given is not closed with it."""
    home = installation or open_installation(settings)
    configure_logging(settings, on_error=home.telemetry.log_errors.inc)
    start_error_reports(settings)
    health = Health(home.database, settings, home.apps, home.works.clock)
    pages = Pages(
        home.apps,
        home.works.keys,
        app_name=settings.app_name,
        describe=surroundings,
        secure=home.desk.cookie.secure,
        reload=settings.debug,
    )

    def answer(error: HoldfastError, request: Request) -> Response:
        page = pages.answer(error, request)
        return page or problems.problem(error, request.scope["state"].get("request_id"))

    app = FastAPI(
        title=settings.app_name, version=told_version(settings), openapi_url=None, docs_url=None, redoc_url=None
    )
    router = build_router(
        discover(home.apps),
        _route_maker(home),
        alias=Alias(sunset=settings.legacy_api_sunset) if settings.legacy_api_alias else None,
        lifespan=_lifespan(home, health, close=installation is None),
    )
    router.routes += health.routes()
    router.routes += metrics_route(home.telemetry, settings)
    router.routes += static_files(pages.assets)
    router.routes += api_pages(app, router)
    router.routes += errors_page()
    router.routes += mail_pages(settings)
    app.router = router
    app.state.pages = pages

    # A person who is signed in keeps the shell where there is no page. No route: it would hide those of other methods.
    absent = _route_maker(home)(Endpoint("GET", f"{START}/…", ABSENT, "", "", "console", "page"))

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        # Past the framework's own stack: its handlers of errors do again what `wrap` does, and cost as much.
        scope["app"] = app
        try:
            await router(scope, receive, send)
        except NotFound:
            if "route" in scope or scope["method"] not in {"GET", "HEAD"} or not scope["path"].startswith(f"{START}/"):
                raise
            await absent.app(scope, receive, send)

    return wrap(routed, settings, telemetry=home.telemetry, answer=answer)


def _route_maker(home: Installation) -> Callable[[Endpoint], WorkRoute]:
    house = House(home.works, RateLimits(home.limiter, home.settings), home.desk.cookie.name)
    apps = {app.name: app for app in home.apps}

    def make(endpoint: Endpoint) -> WorkRoute:
        route = make_route(
            endpoint.path,
            endpoint.declared,
            house,
            name=f"{endpoint.app}_{endpoint.declared.function.__name__}",
            tag=apps[endpoint.app].title,
            page=endpoint.kind == "page",
        )
        route.switch = endpoint.app if apps[endpoint.app].optional else None
        return route

    return make


def _lifespan(home: Installation, health: Health, *, close: bool) -> Lifespan[Any]:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        await prepare(home)
        keeper = asyncio.create_task(_keep_house(home))
        home.waker.start()
        engine = home.engine() if home.settings.jobs_in_server else None
        if engine is not None:
            engine.start()
            health.engine = engine
            home.telemetry.engine_up.set_function(engine.alive)
        settle_garbage_collector()
        try:
            yield
        finally:
            health.closing = True
            if engine is not None:
                await engine.stop(home.settings.shutdown_seconds)
            await home.waker.stop()
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            await home.tidy()
            if close:
                await home.close()

    return lifespan


def app_factory() -> ASGIApp:
    """Return the application for the settings of the environment; what uvicorn's processes call.

    Raises ConfigurationError naming every setting under which it must not serve.
    """
    settings = Settings()
    faults = refusals(settings)
    if faults:
        raise ConfigurationError(" ".join(faults))
    return create_app(settings)


async def _keep_house(home: Installation) -> None:
    """Count and tidy every few seconds until the process ends; a failure is logged and tried again."""
    while True:
        for each in (home.count, home.tidy):
            try:
                await each()
            except Exception:
                # The next round may go well, and no request waits for this one.
                log.exception("housekeeping_failed")
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
