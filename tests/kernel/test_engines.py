import asyncio
import socket
import sqlite3
import time

import pytest
import structlog
from database_servers import fresh_url, open_database
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from holdfast.kernel.engines import Database, database_error
from holdfast.kernel.engines.addresses import normalise_url
from holdfast.kernel.engines.links import LONGEST_STATEMENT, report
from holdfast.kernel.errors import ConfigurationError, Invalid, StillReferenced, Unavailable, UniqueViolation

pytestmark = pytest.mark.portable
KINDS = ["sqlite", "postgresql", "mysql"]
META = MetaData()
COUNTER = Table(
    "counter", META, Column("id", Integer, primary_key=True, autoincrement=False), Column("n", Integer, nullable=False)
)
SCHEMA = [
    "CREATE TABLE parent (id int PRIMARY KEY, code varchar(5) NOT NULL, CONSTRAINT uq_parent_code UNIQUE (code))",
    "CREATE TABLE child (id int PRIMARY KEY, parent_id int NOT NULL, CONSTRAINT fk_child_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE RESTRICT)",
    "INSERT INTO parent VALUES (1, 'a')",
    "INSERT INTO child VALUES (1, 1)",
]


def mark(database: Database, number: int) -> str:
    return {"sqlite": "?", "postgresql": f"${number}", "mysql": "%s"}[database.dialect]


async def prepare(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(META.create_all)
        await connection.execute(COUNTER.insert(), [{"id": 1, "n": 0}])
        for statement in SCHEMA:
            await connection.execute(text(statement))


@pytest.fixture(params=KINDS)
async def database(request):
    async with fresh_url(request.param) as url:
        database = open_database(url, pool_size=3, pool_timeout=0.2)
        await prepare(database)
        yield database
        await database.dispose()


@pytest.fixture
async def sqlite_database(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/new/folder/h.db", pool_size=3, pool_timeout=0.2)
    await prepare(database)
    yield database
    await database.dispose()


@pytest.fixture
async def postgresql_database():
    async with fresh_url("postgresql") as url:
        database = open_database(url, pool_size=3, pool_timeout=0.2)
        await prepare(database)
        yield database
        await database.dispose()


async def value(database: Database) -> int:
    link = await database.acquire(write=False)
    try:
        return (await link.fetch("SELECT n FROM counter WHERE id = 1"))[0][0]
    finally:
        await link.close()


# -- one transaction for both kinds of statement


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
@pytest.mark.parametrize("first", ["raw", "sqlalchemy"])
async def test_raw_and_sqlalchemy_statements_share_a_transaction(database, first, end):
    link = await database.acquire(write=True)
    if first == "raw":
        assert await link.execute("UPDATE counter SET n = n + 1") == 1
        await link.connection.execute(COUNTER.update().values(n=COUNTER.c.n + 10))
    else:
        await link.connection.execute(COUNTER.update().values(n=COUNTER.c.n + 10))
        assert await link.execute("UPDATE counter SET n = n + 1") == 1
    assert (await link.fetch("SELECT n FROM counter"))[0][0] == 11
    assert (await link.connection.execute(select(COUNTER.c.n))).scalar_one() == 11
    assert await value(database) == 0
    if end == "commit":
        await link.commit()
    elif end == "rollback":
        await link.rollback()
    await link.close()
    assert await value(database) == (11 if end == "commit" else 0)


async def test_a_link_goes_on_after_its_commit(database):
    link = await database.acquire(write=True)
    for expected in (1, 2, 3):
        await link.begin()
        await link.execute("UPDATE counter SET n = n + 1")
        await link.connection.execute(select(COUNTER))
        await link.commit()
        assert await value(database) == expected
    await link.execute("UPDATE counter SET n = 99")
    await link.close()
    await link.close()
    assert await value(database) == 3


async def test_parameters_and_rows_go_through_the_driver(database):
    link = await database.acquire(write=True)
    a, b = mark(database, 1), mark(database, 2)
    assert await link.execute(f"INSERT INTO counter (id, n) VALUES ({a}, {b})", (7, 70)) == 1
    rows = await link.fetch(f"SELECT id, n FROM counter WHERE id = {a}", (7,))
    assert [tuple(row) for row in rows] == [(7, 70)]
    assert await link.execute("DELETE FROM counter WHERE id > 100") == 0
    await link.close()


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
async def test_only_the_link_commits(database, end):
    link = await database.acquire(write=True)
    session = AsyncSession(bind=link.connection)
    await session.execute(COUNTER.update().values(n=7))
    await session.commit()
    assert await value(database) == 0
    await getattr(link, end)()
    await session.close()
    await link.close()
    assert await value(database) == (7 if end == "commit" else 0)


async def test_a_pooled_connection_carries_nothing_on(database):
    for _ in range(4):
        link = await database.acquire(write=True)
        await link.execute("UPDATE counter SET n = n + 1")
        await link.close()
    assert await value(database) == 0


@pytest.mark.parametrize("how", ["raw", "sqlalchemy"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_a_reading_link_does_not_write(database, how):
    link = await database.acquire(write=False)
    with pytest.raises((sqlite3.OperationalError, Unavailable, DBAPIError)):
        await (
            link.execute("UPDATE counter SET n = 5")
            if how == "raw"
            else link.connection.execute(COUNTER.update().values(n=5))
        )
    await link.close()
    assert await value(database) == 0
    link = await database.acquire(write=True)  # the same physical connection on PostgreSQL
    await link.execute("UPDATE counter SET n = 6")
    await link.commit()
    await link.close()
    assert await value(database) == 6


async def test_postgresql_compiles_no_plan(postgresql_database):
    for _ in range(2):
        link = await postgresql_database.acquire(write=False)
        try:
            assert (await link.fetch("SHOW jit"))[0][0] == "off"
            await link.rollback()
            assert (await link.fetch("SHOW jit"))[0][0] == "off", "set for the connection, not for a transaction"
        finally:
            await link.close()


@pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
async def test_isolation_is_read_committed(database):
    reader, writer = await database.acquire(write=False), await database.acquire(write=True)
    assert (await reader.fetch("SELECT n FROM counter"))[0][0] == 0
    await writer.execute("UPDATE counter SET n = 1")
    assert (await reader.fetch("SELECT n FROM counter"))[0][0] == 0
    await writer.commit()
    assert (await reader.fetch("SELECT n FROM counter"))[0][0] == 1
    await reader.close()
    await writer.close()


async def test_a_failed_transaction_cannot_be_committed_unnoticed(postgresql_database):
    link = await postgresql_database.acquire(write=True)
    await link.execute("UPDATE counter SET n = 1")
    with pytest.raises(UniqueViolation):
        await link.execute("INSERT INTO parent VALUES (1, 'x')")
    with pytest.raises(RuntimeError, match="nothing was committed"):
        await link.commit()
    await link.close()
    assert await value(postgresql_database) == 0


# -- the pool


async def test_an_exhausted_pool_is_unavailable_soon(database):
    links = [await database.acquire(write=False) for _ in range(3)]
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await database.acquire(write=False)
    assert 0.15 < time.monotonic() - began < 1.5
    assert int(caught.value.headers["Retry-After"]) >= 1
    await links.pop().close()
    links.append(await database.acquire(write=False))
    for link in links:
        await link.close()


async def test_waiting_is_in_order_and_a_cancelled_one_gives_its_turn_away(database):
    links = [await database.acquire(write=False) for _ in range(3)]
    order = []

    async def wait(name):
        link = await database.acquire(write=False)
        order.append(name)
        await link.close()

    tasks = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await links.pop().close()
    tasks[1].cancel()  # after the connection was handed over, before it ran
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order in (["c"], ["b", "c"])
    links.append(await database.acquire(write=False))
    assert database._reading._made == 3
    for link in links:
        await link.close()
    assert len(database._reading._idle) == 3


async def test_many_tasks_share_few_connections(database):
    async def read():
        for _ in range(10):
            assert await value(database) == 0
            await asyncio.sleep(0)

    await asyncio.gather(*(read() for _ in range(20)))
    assert database._reading._made <= 3


async def test_an_unreachable_server_is_unavailable():
    for url in ("postgresql://nobody@127.0.0.1:1/none", "mysql://nobody@127.0.0.1:1/none"):
        database = open_database(url, pool_size=1)
        for _ in range(2):  # the place in the pool is free again
            with pytest.raises(Unavailable, match="database"):
                await database.acquire(write=True)
            assert database._writing._made == 0
        await database.dispose()


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
async def test_a_server_that_says_nothing_is_unavailable(kind, monkeypatch):
    for module in ("holdfast.kernel.engines", "holdfast.kernel.engines.pool"):
        monkeypatch.setattr(f"{module}.CONNECT_TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and does nothing with them
        database = open_database(f"{kind}://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(database.acquire(write=True), 10)
        assert database._writing._made == 0
        await database.dispose()


@pytest.mark.parametrize("how", ["raw", "sqlalchemy"])
@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
async def test_a_statement_that_takes_too_long_is_given_up(kind, how):
    async with fresh_url(kind) as url:
        database = open_database(url, pool_size=1, timeout=1.0)
        sleep = "SELECT pg_sleep(20)" if kind == "postgresql" else "SELECT sleep(20)"
        link = await database.acquire(write=True)
        began = time.monotonic()
        with pytest.raises(Exception) as caught:
            await (link.fetch(sleep) if how == "raw" else link.connection.execute(text(sleep)))
        assert isinstance(database_error(caught.value), Unavailable)
        await link.close()
        assert time.monotonic() - began < 4
        assert await answer(database) == 1
        await database.dispose()


@pytest.mark.parametrize("how", ["raw", "sqlalchemy", "idle", "commit"])
@pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
async def test_a_killed_connection_is_unavailable_then_all_is_well(database, how):
    identity, kill = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%d)"),
        "mysql": ("SELECT connection_id()", "KILL %d"),
    }[database.dialect]
    killer = await database.acquire(write=True)
    victim = await database.acquire(write=True)
    number = (await victim.fetch(identity))[0][0]
    if how == "sqlalchemy":
        await victim.connection.execute(select(COUNTER))
    if how == "idle":
        await victim.close()
    await killer.fetch(kill % number)
    await asyncio.sleep(0.05)
    if how in ("raw", "commit"):
        with pytest.raises(Unavailable):
            await (victim.fetch("SELECT 1") if how == "raw" else victim.commit())
    elif how == "sqlalchemy":
        with pytest.raises(Exception) as caught:
            await victim.connection.execute(select(COUNTER))
        assert isinstance(database_error(caught.value), Unavailable)
    await victim.close()
    await killer.close()
    links = [await database.acquire(write=True) for _ in range(3)]
    for link in links:
        assert (await link.fetch("SELECT n FROM counter"))[0][0] == 0
        assert (await link.connection.execute(select(COUNTER.c.n))).scalar_one() == 0
        await link.commit()
        await link.close()
    assert database._writing._made == 3


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
async def test_a_ping_before_use_replaces_a_dead_connection(kind, monkeypatch):
    monkeypatch.setattr("holdfast.kernel.engines.pool.Pool._usable", lambda *_: True)  # as if nobody had noticed
    async with fresh_url(kind) as url:
        database = open_database(url, pool_size=1, pool_pre_ping=True)
        link = await database.acquire(write=False)
        driver = link._physical.driver
        await link.close()
        driver.terminate() if kind == "postgresql" else driver.close()
        assert await answer(database) == 1
        assert await answer(database) == 1
        await database.dispose()


async def answer(database: Database) -> int:
    link = await database.acquire(write=False)
    try:
        return (await link.fetch("SELECT 1"))[0][0]
    finally:
        await link.close()


async def test_old_connections_are_replaced():
    async with fresh_url("postgresql") as url:
        database = open_database(url, pool_size=1, pool_recycle=0)
        seen = set()
        for _ in range(2):
            link = await database.acquire(write=False)
            seen.add((await link.fetch("SELECT pg_backend_pid()"))[0][0])
            await link.close()
        assert len(seen) == 2
        await database.dispose()


async def test_cancellation_leaves_the_pool_whole(database):
    slow = {"postgresql": "SELECT pg_sleep(5)", "mysql": "SELECT sleep(5)"}.get(
        database.dialect,
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 30000000) SELECT count(*) FROM c",
    )

    async def run():
        link = await database.acquire(write=False, long=True)
        try:
            await link.fetch(slow)
        finally:
            await link.close()

    for _ in range(4):
        began = time.monotonic()
        task = asyncio.create_task(run())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 3
    assert await value(database) == 0
    pool = database._reading
    assert pool._made == len(pool._idle)


async def test_who_is_cancelled_while_a_transaction_begins_or_ends_leaves_none_open(database):
    """The answer to BEGIN or COMMIT was not heard: whoever comes next must not be inside that transaction."""

    async def use() -> None:
        link = await database.acquire(write=True)
        try:
            await link.begin()
            await link.execute("UPDATE counter SET n = n + 1")
            await link.commit()
        finally:
            await link.close()

    for turns in range(60):  # of the loop, until it is cancelled: from before the first word to after the last
        task = asyncio.create_task(use())
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        if turns >= 20:
            await asyncio.sleep(0.00005 * (turns - 20))
        task.cancel()
        await asyncio.wait([task])
        await asyncio.wait_for(use(), 5)
    assert database.in_use == 0


async def test_dispose_closes_also_what_comes_back_later(database):
    link = await database.acquire(write=False)
    await link.fetch("SELECT 1")
    await database.dispose()
    await link.close()
    assert database._reading._made == 0


# -- SQLite


async def test_sqlite_counts_exactly_under_eight_writers(sqlite_database):
    async def add():
        for _ in range(100):
            link = await sqlite_database.acquire(write=True)
            try:
                n = (await link.fetch("SELECT n FROM counter WHERE id = 1"))[0][0]
                await asyncio.sleep(0)
                await link.execute("UPDATE counter SET n = ? WHERE id = 1", (n + 1,))
                await link.commit()
            finally:
                await link.close()

    await asyncio.gather(*(add() for _ in range(8)))
    assert await value(sqlite_database) == 800


async def test_sqlite_counts_exactly_when_another_process_writes_too(sqlite_database):
    other = open_database(str(sqlite_database.engine.url))

    async def add(database):
        for _ in range(50):
            link = await database.acquire(write=True)
            n = (await link.connection.execute(select(COUNTER.c.n))).scalar_one()
            await asyncio.sleep(0)
            await link.connection.execute(COUNTER.update().values(n=n + 1))
            await link.commit()
            await link.close()

    await asyncio.gather(*(add(database) for database in (sqlite_database, other) for _ in range(2)))
    await other.dispose()
    assert await value(sqlite_database) == 200


@pytest.mark.parametrize("where", ["waiting", "holding", "committing"])
async def test_sqlite_write_lock_is_free_after_cancellation(sqlite_database, where):
    async def write(started):
        link = await sqlite_database.acquire(write=True)
        try:
            await link.execute("UPDATE counter SET n = n + 1")
            started.set()
            if where == "committing":
                await link.commit()
            else:
                await asyncio.sleep(10)
        finally:
            await link.close()

    started = asyncio.Event()
    first = asyncio.create_task(write(started))
    second = asyncio.create_task(write(asyncio.Event())) if where == "waiting" else None
    await started.wait()
    for task in (second, first):
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    before = await value(sqlite_database)
    assert before in ((0, 1) if where == "committing" else (0,))
    link = await sqlite_database.acquire(write=True)
    await link.execute("UPDATE counter SET n = n + 1")
    await link.commit()
    await link.close()
    assert await value(sqlite_database) == before + 1


async def test_sqlite_writes_do_not_hold_up_reads(sqlite_database):
    writer = await sqlite_database.acquire(write=True)
    await writer.execute("UPDATE counter SET n = 5")
    assert await value(sqlite_database) == 0
    await writer.commit()
    assert await value(sqlite_database) == 5
    await writer.close()


@pytest.mark.parametrize("write", [True, False])
async def test_sqlite_connections_have_our_pragmas(sqlite_database, write):
    link = await sqlite_database.acquire(write=write)
    found = {
        name: (await link.fetch(f"PRAGMA {name}"))[0][0]
        for name in ("journal_mode", "foreign_keys", "recursive_triggers", "synchronous", "query_only", "temp_store")
    }
    await link.close()
    assert found == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "synchronous": 1,
        "query_only": not write,
        "temp_store": 2,
    }
    full = open_database(str(sqlite_database.engine.url), sqlite_synchronous="FULL")
    link = await full.acquire(write=True)
    assert (await link.fetch("PRAGMA synchronous"))[0][0] == 2
    await link.close()
    await full.dispose()


async def test_sqlite_locked_by_another_is_unavailable_without_holding_up_the_loop(sqlite_database, monkeypatch):
    link = await sqlite_database.acquire(write=True)
    link._physical.driver._busy_timeout = 0.2
    await link.close()
    other = sqlite3.connect(sqlite_database.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    link = await sqlite_database.acquire(write=True)
    turns = 0

    async def tick():
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(Unavailable, match="busy"):
        await link.execute("UPDATE counter SET n = 1")
    ticking.cancel()
    assert turns > 5
    other.execute("ROLLBACK")
    other.close()
    await link.execute("UPDATE counter SET n = 1")
    await link.commit()
    await link.close()
    assert await value(sqlite_database) == 1


@pytest.mark.parametrize("how", ["raw", "sqlalchemy"])
async def test_sqlite_full_disk_changes_nothing(sqlite_database, how):
    blobs = Table("blobs", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary))
    async with sqlite_database.engine.begin() as connection:
        await connection.run_sync(blobs.create)
    link = await sqlite_database.acquire(write=True)
    pages = (await link.fetch("PRAGMA page_count"))[0][0]
    await link.fetch(f"PRAGMA max_page_count = {pages + 2}")
    await link.execute("UPDATE counter SET n = 9")
    if how == "raw":
        writing = link.execute("INSERT INTO blobs (body) VALUES (zeroblob(100000))")
    else:
        writing = link.connection.execute(blobs.insert().values(body=b"\0" * 100000))
    with pytest.raises((Unavailable, DBAPIError)) as caught:
        await writing
    found = database_error(caught.value)
    assert isinstance(found, Unavailable)
    assert "no space" in found.detail
    await link.close()
    assert await value(sqlite_database) == 0
    link = await sqlite_database.acquire(write=True)
    await link.fetch("PRAGMA max_page_count = 1073741823")
    await link.execute("UPDATE counter SET n = 2")
    await link.commit()
    await link.close()
    assert await value(sqlite_database) == 2


async def test_sqlite_read_only_database_is_unavailable(sqlite_database):
    link = await sqlite_database.acquire(write=True)
    await link.fetch("PRAGMA query_only = ON")
    with pytest.raises(Unavailable, match="cannot be written"):
        await link.execute("UPDATE counter SET n = 9")
    await link.fetch("PRAGMA query_only = OFF")
    await link.close()


async def test_sqlite_file_that_cannot_be_opened_is_unavailable(tmp_path):
    (tmp_path / "folder.db").mkdir()
    database = open_database(f"sqlite:///{tmp_path}/folder.db")
    with pytest.raises(Unavailable):
        await database.acquire(write=True)
    await database.dispose()


async def test_sqlite_long_reads_leave_the_loop_free(sqlite_database):
    link = await sqlite_database.acquire(write=False, long=True)
    reading = asyncio.create_task(
        link.fetch(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT count(*) FROM c"
        )
    )
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await reading)[0][0] == 1000000
    assert turns > 10
    await link.close()
    link = await sqlite_database.acquire(write=False)
    assert link._physical.driver.threaded is False
    await link.close()


# -- what errors mean


async def failing(database, how, statement):
    link = await database.acquire(write=True)
    try:
        with pytest.raises(Exception) as caught:
            await (link.execute(statement) if how == "raw" else link.connection.execute(text(statement)))
    finally:
        await link.close()
    return database_error(caught.value)


@pytest.mark.parametrize("how", ["raw", "sqlalchemy"])
async def test_constraints_have_errors_of_their_own(database, how):
    taken = await failing(database, how, "INSERT INTO parent VALUES (2, 'a')")
    assert isinstance(taken, UniqueViolation)
    assert taken.constraint == ("parent.code" if database.dialect == "sqlite" else "uq_parent_code")
    assert isinstance(await failing(database, how, "INSERT INTO parent VALUES (1, 'b')"), UniqueViolation)
    assert isinstance(await failing(database, how, "DELETE FROM parent"), StillReferenced)
    assert isinstance(await failing(database, how, "INSERT INTO child VALUES (2, 77)"), StillReferenced)
    assert await failing(database, how, "SELECT nothing FROM nowhere") is None
    if database.dialect != "sqlite":
        assert isinstance(await failing(database, how, "INSERT INTO parent VALUES (3, 'much too long')"), Invalid)


@pytest.mark.parametrize("how", ["raw", "sqlalchemy"])
@pytest.mark.parametrize("hostile", ["a\0b", "\ud800", 2**70])
async def test_values_that_cannot_be_stored_are_invalid(postgresql_database, sqlite_database, how, hostile):
    table = Table("parent", MetaData(), Column("id", Integer), Column("code", String))
    for database in (postgresql_database, sqlite_database):
        if database.dialect == "sqlite" and hostile == "a\0b":
            continue  # SQLite stores it
        link = await database.acquire(write=True)
        row = (hostile, "x") if isinstance(hostile, int) else (9, hostile)
        if how == "raw":
            writing = link.execute(f"INSERT INTO parent VALUES ({mark(database, 1)}, {mark(database, 2)})", row)
        else:
            writing = link.connection.execute(table.insert().values(id=row[0], code=row[1]))
        with pytest.raises(Exception) as caught:
            await writing
        assert isinstance(database_error(caught.value), Invalid)
        await link.close()


@pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
async def test_a_deadlock_may_be_tried_again(database):
    setup = await database.acquire(write=True)
    await setup.execute("INSERT INTO counter VALUES (2, 0)")
    await setup.commit()
    await setup.close()

    async def cross(first, second, ready, other):
        link = await database.acquire(write=True)
        try:
            await link.execute(f"UPDATE counter SET n = 1 WHERE id = {first}")
            ready.set()
            await other.wait()
            await link.execute(f"UPDATE counter SET n = 1 WHERE id = {second}")
            await link.commit()
        finally:
            await link.close()

    a, b = asyncio.Event(), asyncio.Event()
    results = await asyncio.gather(cross(1, 2, a, b), cross(2, 1, b, a), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "Unavailable"]


# -- logs


@pytest.mark.parametrize(
    ("options", "event"),
    [({"slow_query_ms": 0}, None), ({"echo": True}, "sql.query"), ({"slow_query_ms": 20}, "sql.slow")],
)
async def test_statements_are_logged_without_their_values(tmp_path, options, event):
    database = open_database(f"sqlite:///{tmp_path}/l.db", **options)
    slow = (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000) SELECT count(*) FROM c WHERE"
    )
    with structlog.testing.capture_logs() as entries:
        link = await database.acquire(write=False)
        await link.fetch("SELECT ?", ("secret-value",))
        await link.fetch(f"{slow} x <> ?", ("secret-value",))
        await link.connection.execute(text(f"{slow} 2 = 2 AND '' <> :v"), {"v": "secret-value"})
        await link.close()
    await database.dispose()
    assert "secret-value" not in repr(entries)
    if event is not None:
        found = [
            entry["statement"] for entry in entries if entry["event"] == event and "RECURSIVE" in entry["statement"]
        ]
        assert len(found) == 2
        assert any(entry["statement"] == "SELECT ?" for entry in entries) is (event == "sql.query")
        assert all(entry["ms"] > 0 for entry in entries)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("marks", "cast"), [([f"${n}" for n in range(1, 501)], "::UUID"), (["?"] * 500, ""), (["%s"] * 500, "")]
)
def test_a_logged_statement_names_no_hundred_placeholders(marks, cast):
    given = ", ".join(mark + cast for mark in marks)
    with structlog.testing.capture_logs() as entries:
        report(f"SELECT a FROM t\n WHERE b IN ({given}) AND c = 1", 1.0, 0.5)
        report("SELECT " + "a, " * 10_000, 1.0, 0.5)
    assert entries[0]["statement"] == "SELECT a FROM t WHERE b IN (…) AND c = 1"
    assert len(entries[1]["statement"]) == LONGEST_STATEMENT


# -- addresses


@pytest.mark.unit
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+psycopg2://u:p%40@h:5433/d", "postgresql+asyncpg://u:p%40@h:5433/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql://h/d?connect_timeout=3", "postgresql+asyncpg://h/d?timeout=3"),
        (
            "postgresql://h/d?sslmode=verify-full&sslrootcert=/c.pem",
            "postgresql+asyncpg://h/d?dsn=postgresql%3A%2F%2F%2F%3Fsslmode%3Dverify-full%26sslrootcert%3D%252Fc.pem",
        ),
        ("mysql://u:p@h/d", "mysql+asyncmy://u:p@h/d?charset=utf8mb4"),
        ("mysql+pymysql://u@h/d?charset=latin1", "mysql+asyncmy://u@h/d?charset=utf8mb4"),
        ("mariadb://u@h/d", "mariadb+asyncmy://u@h/d?charset=utf8mb4"),
        ("mysql://h/d?ssl_mode=REQUIRED", "mysql+asyncmy://h/d?charset=utf8mb4&ssl=true"),
        (
            "mysql://h/d?ssl_ca=/c.pem&ssl_mode=VERIFY_CA",
            "mysql+asyncmy://h/d?charset=utf8mb4&ssl_ca=%2Fc.pem&ssl_check_hostname=false",
        ),
        ("sqlite:///var/h.db", "sqlite+aiosqlite:///var/h.db"),
        ("sqlite+pysqlite:////srv/h.db", "sqlite+aiosqlite:////srv/h.db"),
    ],
)
def test_any_form_of_address_becomes_ours(given, wanted):
    assert normalise_url(given) == normalise_url(given)
    assert normalise_url(given).render_as_string(hide_password=False).replace("/c.pem", "%2Fc.pem") == wanted.replace(
        "/c.pem", "%2Fc.pem"
    )


@pytest.mark.unit
@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.db",
        "oracle://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://h:port/d",
        "postgresql://h/d?channel_binding=require",
        "mysql://h/d?ssl_mode=VERIFY_CA",
        "mysql://h/d?ssl_mode=maybe",
        "sqlite:///file:x?mode=memory",
    ],
)
def test_an_address_that_cannot_work_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        normalise_url(url)


async def test_libpq_options_reach_the_server():
    async with fresh_url("postgresql") as url:
        database = open_database(url + "?sslmode=prefer&application_name=holdfast-test&statement_cache_size=0")
        link = await database.acquire(write=False)
        assert (await link.fetch("SHOW application_name"))[0][0] == "holdfast-test"
        await link.close()
        await database.dispose()
        strict = open_database(url + "?sslmode=verify-full&sslrootcert=/nowhere.pem")
        with pytest.raises(Unavailable):
            await strict.acquire(write=False)
        await strict.dispose()


async def test_mariadb_sessions_are_strict_utc_and_whole_unicode():
    async with fresh_url("mysql") as url:
        database = open_database(url)
        link = await database.acquire(write=True)
        rows = await link.fetch(
            "SELECT @@sql_mode, @@time_zone, @@character_set_connection, @@tx_isolation, %s", ("💧",)
        )
        await link.close()
        await database.dispose()
    mode, zone, charset, isolation, drop = rows[0]
    assert "STRICT_ALL_TABLES" in mode
    assert (zone, charset, isolation, drop) == (
        "+00:00",
        "utf8mb4",
        "READ-COMMITTED",
        "💧",
    )
