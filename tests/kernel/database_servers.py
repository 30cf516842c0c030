"""Databases of a test's own: made with a unique name, dropped at its end."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncmy
import asyncpg
import pytest

from holdfast.kernel.engines import Database

POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/test")
MARIADB_HOST = os.environ.get("TEST_MARIADB_HOST", "127.0.0.1")


def open_database(url: str, **options) -> Database:
    settings = {"pool_size": 4, "pool_timeout": 2.0, "pool_recycle": 1800, "pool_pre_ping": False}
    return Database.open(url, **(settings | {"sqlite_synchronous": "NORMAL"} | options))


@asynccontextmanager
async def fresh_url(kind: str) -> AsyncIterator[str]:
    name = f"holdfast_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            yield f"sqlite:///{folder}/{name}.db"
    elif kind == "postgresql":
        admin = await _or_skip(asyncpg.connect(POSTGRESQL, timeout=3))
        await admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield POSTGRESQL.rpartition("/")[0] + "/" + name
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await admin.close()
    else:
        admin = await _or_skip(asyncmy.connect(host=MARIADB_HOST, user="root", password="", connect_timeout=3))
        async with admin.cursor() as cursor:
            await cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"mariadb://root@{MARIADB_HOST}:3306/{name}"
        finally:
            async with admin.cursor() as cursor:
                await cursor.execute(f"DROP DATABASE {name}")
            await admin.ensure_closed()


async def _or_skip(connecting):
    try:
        return await asyncio.wait_for(connecting, 5)
    except (OSError, TimeoutError, asyncmy.errors.OperationalError, asyncpg.PostgresError) as error:
        if os.environ.get("REQUIRE_SERVICES"):
            raise
        pytest.skip(f"no database server: {error}")
