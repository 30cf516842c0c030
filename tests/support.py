"""Databases, installations and organisations for tests, made as the product makes them."""

import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import asyncmy
import asyncpg
import pytest
from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import ROLES, add_user, ensure_system, found_tenant, open_session
from holdfast.kernel.engines import Database
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Work
from holdfast.main import Installation, open_installation
from holdfast.migrations import run
from holdfast.migrations.run import migration_url

REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"
POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
MARIADB = os.environ.get("TEST_MARIADB", "mysql://root@127.0.0.1:3306")
APP_ROLE = "holdfast_test_app"
SECRET = "a secret of the tests that is long enough"
MASTER = "YSBtYXN0ZXIga2V5IG9mIHRoZSB0ZXN0cywgb25seSE"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def need(service: str, port: int) -> None:
    """Skip where a service is not there, unless this run must not skip."""
    if not _listens(port):
        if REQUIRED:
            pytest.fail(f"{service} does not answer on port {port} and REQUIRE_SERVICES=1 allows no skip")
        pytest.skip(f"{service} is not running")


def database_name() -> str:
    return f"holdfast_test_{os.getpid()}_{uuid4().hex[:8]}"


@asynccontextmanager
async def fresh_database(dialect: str) -> AsyncIterator[Settings]:
    """Yield the settings of an empty database of its own, dropped afterwards."""
    name = database_name()
    with tempfile.TemporaryDirectory(prefix="holdfast-test-") as folder:
        common = {
            "secret_key": SECRET,
            "master_key": MASTER,
            "environment": "test",
            "holdfast_home": Path(folder),
            "_env_file": None,
        }
        if dialect == "sqlite":
            yield Settings(database_url=f"sqlite:///{folder}/holdfast.db", sqlite_synchronous="NORMAL", **common)
        elif dialect == "postgresql":
            need("PostgreSQL", 5432)
            admin = await asyncpg.connect(f"{POSTGRES}/postgres")
            try:
                # Two worker processes may ask at once.
                await admin.execute("SELECT pg_advisory_lock(7)")
                if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE):
                    await admin.execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
                await admin.execute("SELECT pg_advisory_unlock(7)")
                await admin.execute(f"CREATE DATABASE {name}")
                # What a power cut leaves of it is of no interest.
                await admin.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
                yield Settings(
                    database_url=f"postgresql://{APP_ROLE}@127.0.0.1:5432/{name}",
                    migration_database_url=f"{POSTGRES}/{name}",
                    pool_size=10,
                    **common,
                )
            finally:
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await admin.close()
        else:
            need("MariaDB", 3306)
            admin = await asyncmy.connect(host="127.0.0.1", port=3306, user="root", autocommit=True)
            try:
                async with admin.cursor() as cursor:
                    await cursor.execute(f"CREATE DATABASE {name}")
                    await cursor.execute(f"CREATE USER {name}")
                yield Settings(
                    database_url=f"mysql://{name}@127.0.0.1:3306/{name}",
                    migration_database_url=f"{MARIADB}/{name}",
                    pool_size=10,
                    **common,
                )
            finally:
                async with admin.cursor() as cursor:
                    await cursor.execute(f"DROP DATABASE IF EXISTS {name}")
                    await cursor.execute(f"DROP USER IF EXISTS {name}")
                await admin.ensure_closed()


@asynccontextmanager
async def owner_database(settings: Settings, *, pool_size: int = 4) -> AsyncIterator[Database]:
    """Yield the database as the schema's owner opens it."""
    database = Database.open(
        migration_url(settings),
        pool_size=pool_size,
        pool_timeout=5,
        pool_recycle=-1,
        pool_pre_ping=False,
        sqlite_synchronous="NORMAL",
    )
    try:
        yield database
    finally:
        await database.dispose()


@asynccontextmanager
async def installation_on(dialect: str) -> AsyncIterator[Installation]:
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        home = open_installation(settings)
        await ensure_system(home.works)
        try:
            yield home
        finally:
            await home.close()


@dataclass(slots=True)
class Member:
    """A user of a test's tenant, and the tokens of an open session."""

    id: UUID
    email: str
    role: str
    access: str
    refresh: str
    session_id: UUID

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


@dataclass(slots=True)
class Org:
    """A test's tenant, with one user a role."""

    id: UUID
    slug: str
    home: Installation
    members: dict[str, Member] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Member:
        return self.members[name]

    @asynccontextmanager
    async def work(self, role: str = "admin", *, write: bool = True) -> AsyncIterator[Work]:
        member = self.members[role]
        roles = (member.role,)
        permissions = frozenset(
            each.name for app in self.home.apps for each in app.permissions if member.role in each.roles
        )
        actor = Actor("user", member.id, member.session_id, roles=roles, permissions=permissions)
        async with self.home.works.begin(self.id, actor, write=write) as work:
            yield work


PASSWORD = "correct horse battery staple"


async def make_org(home: Installation, *, password: bool = False) -> Org:
    """Make a tenant with a user of each built-in role, each signed in; with `password` they can sign in again."""
    org = Org(new_id(), f"t-{uuid4().hex[:12]}", home)
    hashed = await home.desk.passwords.hash(PASSWORD) if password else "$argon2id$none"
    async with home.works.begin(org.id, SYSTEM) as work:
        await found_tenant(work, slug=org.slug, name=f"Org {org.slug}", country="GB")
        for role in ROLES:
            email = f"{role.lower()}@{org.slug}.test"
            user = await add_user(work, email=email, name=f"{role} of {org.slug}", password_hash=hashed, roles=[role])
            opened = open_session(work, home.desk, user=user, kind=SessionKind.TOKEN)
            work.record(SignedIn(entity=opened.session))
            org.members[role.lower()] = Member(
                user.id, email, role, opened.access_token, opened.refresh_token, opened.session.id
            )
    return org


def routed(app: FastAPI) -> ASGIApp:
    """Return an application past the framework's own handlers of errors, as ours is served."""
    inner = AsyncExitStackMiddleware(app.router)  # what the framework's own routes, unlike ours, cannot do without

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = app
        scope.setdefault("state", {})
        await inner(scope, receive, send)

    return run
