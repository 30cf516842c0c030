"""Databases to measure on: freshly made and migrated, a tenant of 10,000 companies, another beside it."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import asyncmy
import asyncpg
from sqlalchemy import insert

from bench.floor import Floor
from holdfast.core.audit.models import AuditEntry, AuditPart, LedgerQueue
from holdfast.core.directory.models import Company, CompanyStatus, StructureMark
from holdfast.core.directory.queries import COMPANIES, CompanyList
from holdfast.core.directory.schemas import CompanyOut
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import add_user, ensure_system, found_tenant, open_session
from holdfast.core.identity.queries.credential import _CREDENTIAL
from holdfast.kernel.clock import system_clock
from holdfast.kernel.db import NOBODY, driver_value
from holdfast.kernel.ids import new_id
from holdfast.kernel.lists.statements import Shape
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import Installation, open_installation
from holdfast.migrations import run

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
MARIADB = os.environ.get("TEST_MARIADB", "mysql://root@127.0.0.1:3306")
ROLE = "holdfast_bench_app"
SECRET = "a secret of the benchmarks that is long enough"
MASTER = "YSBtYXN0ZXIga2V5IG9mIHRoZSBiZW5jaG1hcmtzLi4"
COMPANIES_COUNT, OTHERS, CHUNK = 10_000, 2_000, 1_000
CONNECTIONS = 16
_numbers = itertools.count(1)

Dialect = Literal["postgresql", "sqlite", "mysql"]


@dataclass
class Place:
    """A filled database: the environment that serves it, a token of its administrator, and what the floor needs."""

    dialect: Dialect
    name: str
    environment: dict[str, str]
    token: str
    floor: Floor


@asynccontextmanager
async def place(dialect: Dialect, folder: Path, *, synchronous: str = "FULL") -> AsyncIterator[Place]:
    """Yield a filled database, dropped afterwards."""
    name = f"holdfast_bench_{os.getpid()}_{next(_numbers)}"
    environment = {
        "SECRET_KEY": SECRET,
        "MASTER_KEY": MASTER,
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://bench.example",
        "HOLDFAST_HOME": str(folder / name),
        "SQLITE_SYNCHRONOUS": synchronous,
        "ALLOW_SQLITE_IN_PRODUCTION": "true",
        "RATE_LIMIT_PER_MINUTE": "60000000",
        "ACCESS_TOKEN_EXPIRE_MIN": "600",
        "POOL_SIZE": str(CONNECTIONS),
    }
    async with _database(dialect, name, folder) as addresses:
        environment |= addresses
        environment |= await _migrated(environment)
        settings = Settings(_env_file=None, **{key.lower(): value for key, value in environment.items()})  # type: ignore[arg-type,call-arg]
        home = open_installation(settings)
        try:
            await ensure_system(home.works)
            token, floor = await _fill(home, dialect, environment)
        finally:
            await home.close()
        if dialect == "postgresql":
            # as autovacuum would have done on a database of this size
            owner = await asyncpg.connect(f"{POSTGRES}/{name}")
            await owner.execute("VACUUM ANALYZE")
            await owner.close()
        yield Place(dialect, name, environment, token, floor)


async def _migrated(environment: dict[str, str]) -> dict[str, str]:
    """Migrate as the schema's owner, and serve without asking for it again."""
    await run.upgrade(Settings(_env_file=None, **{key.lower(): value for key, value in environment.items()}))  # type: ignore[arg-type,call-arg]
    return {"MIGRATE_ON_START": "true"}


@asynccontextmanager
async def _database(dialect: Dialect, name: str, folder: Path) -> AsyncIterator[dict[str, str]]:
    if dialect == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///{folder}/{name}.db"}
    elif dialect == "postgresql":
        admin = await asyncpg.connect(f"{POSTGRES}/postgres")
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
                await admin.execute(f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
            await admin.execute(f"CREATE DATABASE {name}")
            at = POSTGRES.rpartition("@")[2]
            yield {
                "DATABASE_URL": f"postgresql://{ROLE}@{at}/{name}",
                "MIGRATION_DATABASE_URL": f"{POSTGRES}/{name}",
            }
        finally:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.close()
    else:
        mariadb = await asyncmy.connect(host="127.0.0.1", port=3306, user="root", autocommit=True)
        try:
            async with mariadb.cursor() as cursor:
                await cursor.execute(f"CREATE DATABASE {name}")
                await cursor.execute(f"CREATE USER {name}")
            at = MARIADB.rpartition("@")[2]
            yield {"DATABASE_URL": f"mysql://{name}@{at}/{name}", "MIGRATION_DATABASE_URL": f"{MARIADB}/{name}"}
        finally:
            async with mariadb.cursor() as cursor:
                await cursor.execute(f"DROP DATABASE IF EXISTS {name}")
                await cursor.execute(f"DROP USER IF EXISTS {name}")
            await mariadb.ensure_closed()


async def _fill(home: Installation, dialect: Dialect, environment: dict[str, str]) -> tuple[str, Floor]:
    """Make both tenants and return the token of the first one's administrator and the floor's statements."""
    found = []
    for slug, count in (("bench", COMPANIES_COUNT), ("other", OTHERS)):
        tenant_id = new_id()
        async with home.works.begin(tenant_id, SYSTEM) as work:
            await found_tenant(work, slug=slug, name=f"Org {slug}", country="GB")
            user = await add_user(
                work, email=f"admin@{slug}.test", name="Bench Admin", password_hash="$argon2id$none", roles=["Admin"]
            )
            await work.flush()
            opened = open_session(work, home.desk, user=user, kind=SessionKind.TOKEN)
            work.record(SignedIn(entity=opened.session))
            found.append((tenant_id, opened.session.id, opened.access_token))
        await _add_companies(home, tenant_id, count)
    tenant_id, session_id, token = found[0]
    return token, await _floor(home, dialect, environment, tenant_id, session_id)


async def _add_companies(home: Installation, tenant_id: UUID, count: int) -> None:
    moment = system_clock() - timedelta(days=30)
    for start in range(0, count, CHUNK):
        rows = []
        for number in range(start, start + CHUNK):
            at = moment + timedelta(seconds=number, microseconds=number)
            name = f"Northern Clinics and Laboratories {number * 7919 % count:05}"
            rows.append(
                {
                    "tenant_id": tenant_id,
                    "id": new_id(),
                    "code": f"NORTH-{number:05}",
                    "code_key": f"north-{number:05}",
                    "name": name,
                    "name_key": name.lower(),
                    "legal_name": f"{name} Limited",
                    "registration_number": f"{number:08}",
                    "country": "GB",
                    "city": "Leeds",
                    "status": CompanyStatus.ACTIVE,
                    "version": 1,
                    "created_at": at,
                    "updated_at": at,
                    "deleted_key": NOBODY,
                }
            )
        async with home.works.begin(tenant_id, SYSTEM) as work:
            await work.link.connection.execute(insert(Company), rows)
        await asyncio.sleep(0)


async def _floor(
    home: Installation, dialect: Dialect, environment: dict[str, str], tenant_id: UUID, session_id: UUID
) -> Floor:
    """Return the floor's part: our own statements, as text."""
    link = await home.database.acquire(write=False)
    try:
        shape = Shape("name", "first", "capped", False, (("deleted", False),))
        assert CompanyList.model_fields["deleted"].default is False
        plan = COMPANIES._plan(link.sql_dialect, shape)  # noqa: SLF001  the statement itself is what is compared
        page_values = plan.bind({"_tenant": tenant_id, "_limit": 51, "f_deleted": False})
    finally:
        await link.close()
    inserts: dict[str, tuple[str, tuple[str, ...]]] = {}
    parts = {Company: 1, StructureMark: 1, AuditEntry: 1, AuditPart: 3, LedgerQueue: 1}
    for model, rows in parts.items():
        names = tuple(column.name for column in model.__table__.columns if column.name != "seq")
        marks = [_marks(dialect, len(names), row * len(names)) for row in range(rows)]
        text = f"INSERT INTO {model.__table__.name} ({', '.join(names)}) VALUES {', '.join(marks)}"
        inserts[model.__table__.name] = (text, names)
    credential = _CREDENTIAL
    if dialect == "postgresql":
        for mark in ("$3", "$1", "$2", "$3", "$3", "$3"):
            credential = credential.replace("?", mark, 1)
    return Floor(
        port=0,
        url=environment["DATABASE_URL"],
        pool_size=CONNECTIONS,
        tenant_id=tenant_id,
        session_id=session_id,
        credential=credential,
        credential_values=[driver_value(dialect, value) for value in (tenant_id, session_id)],
        page=plan.sql,
        page_values=[_plain(value) for value in page_values],
        names=tuple(CompanyOut.model_fields),
        inserts=inserts,
        synchronous=environment["SQLITE_SYNCHRONOUS"],
    )


def _marks(dialect: Dialect, count: int, start: int) -> str:
    marks = [f"${start + number + 1}" if dialect == "postgresql" else "?" for number in range(count)]
    return f"({', '.join(marks)})"


def _plain(value: Any) -> Any:
    return UUID(bytes=value.bytes) if isinstance(value, UUID) else value
