"""The floor: bare Starlette, the driver, orjson, and the same statements one per round trip; no checks at all.

Started by `bench.servers` with a pickled `Floor` on standard input; it imports nothing of Holdfast.
"""

import pickle
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PART_NAMES = ("after", "ctx", "pii")


@dataclass
class Floor:
    """What the floor is told: where to serve, what to connect to, whose rows, and the statements."""

    port: int
    url: str
    pool_size: int
    tenant_id: UUID
    session_id: UUID
    credential: str
    credential_values: list[Any]
    page: str
    page_values: list[Any]
    names: tuple[str, ...]
    inserts: dict[str, tuple[str, tuple[str, ...]]]
    synchronous: str = "FULL"


def answer(value: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def listed(names: tuple[str, ...], rows: list[Any]) -> Response:
    """Return a page of rows as ours does, without a cursor."""
    data = []
    for row in rows[:50]:
        made = dict(zip(names, row))  # noqa: B905
        for name in ("id", "created_by", "updated_by"):
            if made[name] is not None:
                made[name] = str(made[name])
        data.append(made)
    meta = {"page": 1, "page_size": 50, "total": rows[0][-1], "next_cursor": None}
    return answer({"data": data, "meta": meta})


def shown(row: Any) -> dict[str, Any]:
    """Return the answer of `me`."""
    _, _, user_id, email, username, name, slug, organization = row[:8]
    return {
        "user": {"id": str(user_id), "email": email, "username": username, "name": name},
        "organization": {"slug": slug, "name": organization},
        "roles": [row[16]],
        "permissions": [],
    }


def rows_of(floor: Floor, sent: dict[str, Any], moment: Any) -> tuple[Any, dict[str, list[tuple[Any, ...]]]]:
    """Return the new id and the rows to insert by table; entries of constant bytes, as long as ours."""
    made_id, entry_id = uuid4(), uuid4()
    native = moment if floor.url.startswith("postgresql") else moment.isoformat(" ")[:26]
    key: Any = (lambda value: value) if floor.url.startswith("postgresql") else (lambda value: value.hex)
    tenant = key(floor.tenant_id)
    company = {
        "tenant_id": tenant,
        "id": key(made_id),
        "code": sent["code"],
        "code_key": sent["code"].lower(),
        "name": sent["name"],
        "name_key": sent["name"].lower(),
        "status": "active",
        "version": 1,
        "created_at": native,
        "updated_at": native,
        "deleted_key": key(UUID(int=0)),
    }
    entry = {
        "tenant_id": tenant,
        "id": key(entry_id),
        "log_id": tenant,
        "recorded_at": native,
        "occurred_at": native,
        "category": "data",
        "severity": "info",
        "action": "directory.company.created",
        "outcome": "success",
        "actor_type": "user",
        "entity_type": "company",
        "entity_id": key(made_id),
        "entity_version": 1,
        "request_id": "0" * 36,
        "session_id": key(floor.session_id),
        "writer_epoch": tenant,
        "writer_seq": time.time_ns(),
        "core": bytes(900),
        "leaf_hash": bytes(32),
    }
    parts = [
        {"tenant_id": tenant, "id": key(entry_id), "part": part, "salt": bytes(16), "data": bytes(250)}
        for part in PART_NAMES
    ]
    queue = {"log_id": tenant, "entry_id": key(entry_id), "leaf_hash": bytes(32)}
    mark = {"tenant_id": tenant, "id": key(uuid4())}
    rows = {
        "company": [company],
        "structure_mark": [mark],
        "audit_entry": [entry],
        "audit_part": parts,
        "ledger_queue": [queue],
    }
    flat = {
        table: tuple(row.get(name) for row in each for name in floor.inserts[table][1]) for table, each in rows.items()
    }
    return made_id, flat  # type: ignore[return-value]


def on_postgresql(floor: Floor) -> Starlette:
    """Return the floor over asyncpg's own pool."""
    pool: Any = None

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        nonlocal pool
        pool = await asyncpg.create_pool(floor.url, min_size=floor.pool_size, max_size=floor.pool_size)
        yield
        await pool.close()

    tenant = str(floor.tenant_id)

    async def enter(connection: Any) -> Any:
        await connection.execute("SELECT set_config('holdfast.tenant', $1, true)", tenant)
        return await connection.fetchrow(floor.credential, *floor.credential_values, datetime.now(UTC))

    async def companies(_: Request) -> Response:
        async with pool.acquire() as connection, connection.transaction():
            await enter(connection)
            rows = await connection.fetch(floor.page, *floor.page_values)
        return listed(floor.names, rows)

    async def create(request: Request) -> Response:
        sent = orjson.loads(await request.body())
        made_id, rows = rows_of(floor, sent, datetime.now(UTC))
        async with pool.acquire() as connection, connection.transaction():
            await enter(connection)
            for table, values in rows.items():
                await connection.execute(floor.inserts[table][0], *values)
        return answer({**sent, "id": str(made_id), "version": 1}, 201)

    async def me(_: Request) -> Response:
        async with pool.acquire() as connection, connection.transaction():
            row = await enter(connection)
        return answer(shown(row))

    return application(lifespan, companies, create, me)


def on_sqlite(floor: Floor) -> Starlette:
    """Return the floor over the standard library's driver, on the event loop."""
    reading, writing = (sqlite3.connect(floor.url.removeprefix("sqlite:///"), isolation_level=None) for _ in range(2))
    for connection in (reading, writing):
        connection.execute(f"PRAGMA synchronous = {floor.synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA mmap_size = 268435456")

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield

    def enter(connection: sqlite3.Connection) -> Any:
        now = datetime.now(UTC).isoformat(" ")[:26]
        values = (now, *floor.credential_values, now, now, now)
        return connection.execute(floor.credential, values).fetchone()

    async def companies(_: Request) -> Response:
        reading.execute("BEGIN")
        enter(reading)
        rows = reading.execute(floor.page, floor.page_values).fetchall()
        reading.execute("COMMIT")
        return listed(floor.names, rows)

    async def create(request: Request) -> Response:
        sent = orjson.loads(await request.body())
        made_id, rows = rows_of(floor, sent, datetime.now(UTC))
        writing.execute("BEGIN IMMEDIATE")
        enter(writing)
        for table, values in rows.items():
            writing.execute(floor.inserts[table][0], values)
        writing.execute("COMMIT")
        return answer({**sent, "id": str(made_id), "version": 1}, 201)

    async def me(_: Request) -> Response:
        reading.execute("BEGIN")
        row = enter(reading)
        reading.execute("COMMIT")
        return answer(shown(row))

    return application(lifespan, companies, create, me)


def application(lifespan: Any, companies: Any, create: Any, me: Any) -> Starlette:
    """Return the application at our addresses."""

    async def ready(_: Request) -> Response:
        return answer({"status": "ok"})

    return Starlette(
        routes=[
            Route("/api/v1/org/companies", companies, methods=["GET"]),
            Route("/api/v1/org/companies", create, methods=["POST"]),
            Route("/api/v1/auth/me", me, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    """Serve until the process is ended."""
    floor: Floor = pickle.load(sys.stdin.buffer)
    app = on_sqlite(floor) if floor.url.startswith("sqlite") else on_postgresql(floor)
    uvicorn.run(
        app, host="127.0.0.1", port=floor.port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    # Pickle looks the class up by its module's name.
    sys.modules["bench.floor"] = sys.modules["__main__"]
    main()
