"""Databases and the connections that units of work hold: three dialects, raw driver and SQLAlchemy alike.

A `Link` is one physical connection in one transaction. The driver's own statements (`fetch`, `execute`) and those of
SQLAlchemy (`connection`) share it; SQLAlchemy's objects are built only when asked for, because they cost more than a
list does.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from sqlalchemy import Connection, Engine, NullPool, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdfast.kernel.engines.addresses import normalise_url
from holdfast.kernel.engines.convoys import Convoy
from holdfast.kernel.engines.faults import ConstraintConflict, address_fault, database_error, said_by
from holdfast.kernel.engines.links import LINKS, Link, PatientConnection, report
from holdfast.kernel.engines.pool import CONNECT_TIMEOUT, Dialect, Pool
from holdfast.kernel.engines.sqlite import SqliteConnection, connect

__all__ = [
    "ConstraintConflict",
    "Database",
    "Dialect",
    "Link",
    "Write",
    "address_fault",
    "database_error",
    "normalise_url",
    "said_by",
]

Write = bool | Literal["together"]
_SQLITE_BUSY_TIMEOUT = 5.0
_SQLITE_CACHE_KIB = 16384
# Strict: a value that does not fit is an error, never cut. Times are UTC whatever the server's zone is.
_MYSQL_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = 5"
    # The default ends a recursion at a thousand levels without a word: MariaDB's name of it, and MySQL's.
    " /*M! , max_recursive_iterations = 4294967295 */ /*!80003 , cte_max_recursion_depth = 4294967295 */"
)


class Database:
    """A database as one process uses it; `dialect` "mysql" covers MariaDB.

    `engine` makes connections outside the pool, for migrations and schema work: on SQLite those write.
    """

    def __init__(self, dialect: Dialect, engine: AsyncEngine, reading: Pool, writing: Pool, slow: float | None) -> None:
        self.dialect: Dialect = dialect
        self.engine = engine
        self._reading = reading
        self._writing = writing
        self._slow = slow
        self._link = LINKS[dialect]
        self._threads: tuple[ThreadPoolExecutor, ...] = ()
        self._convoy = Convoy(writing, slow) if dialect == "sqlite" else None
        self._apart: Pool | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool_size: int,
        pool_timeout: float,
        pool_recycle: int,
        pool_pre_ping: bool,
        timeout: float | None = None,
        sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL",
        slow_query_ms: int | None = None,
        echo: bool = False,
    ) -> "Database":
        """Return the database at an address without connecting yet; times in seconds unless they say otherwise.

        On a server no statement takes longer than `timeout`; migrations have none.
        Raises ConfigurationError for an address that cannot be used.
        """
        address = normalise_url(url)
        slow = 0.0 if echo else None if slow_query_ms is None else slow_query_ms / 1000
        if address.get_backend_name() == "sqlite":
            return cls._open_sqlite(address, pool_size, pool_timeout, sqlite_synchronous, slow)
        dialect: Dialect = "postgresql" if address.get_backend_name() == "postgresql" else "mysql"
        engine = create_async_engine(
            address,
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
            connect_args=_connect_args(address, dialect, timeout),
            hide_parameters=True,
        )
        _watch(engine.sync_engine, slow)
        if dialect == "postgresql":
            event.listen(engine.sync_engine, "connect", _without_jit)
        pool = Pool(engine, dialect, size=pool_size, timeout=pool_timeout, recycle=pool_recycle, pre_ping=pool_pre_ping)
        return cls(dialect, engine, pool, pool, slow)

    @classmethod
    def _open_sqlite(
        cls, address: URL, size: int, timeout: float, synchronous: Literal["FULL", "NORMAL"], slow: float | None
    ) -> "Database":
        path = address.database
        assert path is not None
        # Two threads, each started when first needed: writes never wait behind an export.
        threads = tuple(ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{name}") for name in ("read", "write"))

        def engine(*, write: bool) -> AsyncEngine:
            async def create(*_: object, **__: object) -> SqliteConnection:
                return connect(
                    path,
                    threads[write],
                    write=write,
                    synchronous=synchronous,
                    busy_timeout=_SQLITE_BUSY_TIMEOUT,
                    cache_kib=_SQLITE_CACHE_KIB,
                )

            made = create_async_engine(
                address, poolclass=NullPool, connect_args={"async_creator_fn": create}, hide_parameters=True
            )
            _watch(made.sync_engine, slow)
            return made

        writing, reading = engine(write=True), engine(write=False)
        self = cls(
            "sqlite",
            writing,
            Pool(reading, "sqlite", size=size, timeout=timeout),
            # One writing connection is the write lock: fair, and released in whatever way a link ends.
            Pool(writing, "sqlite", size=1, timeout=max(timeout, _SQLITE_BUSY_TIMEOUT)),
            slow,
        )
        self._threads = threads
        self._apart = Pool(reading, "sqlite", size=1, timeout=timeout)
        return self

    async def acquire(self, *, write: Write, long: bool = False) -> Link:
        """Return a connection for one transaction; `long` keeps reads that may take a while off SQLite's event loop.

        "together" writes, is short and does nothing after its commit: on SQLite it may be committed with others.

        A link that is not for writing refuses to write on SQLite and PostgreSQL. On SQLite one writing link exists at
        a time, from here until it is closed: whoever holds one must not ask for a second.
        Raises Unavailable (with Retry-After) when there is none in time or the database is out of reach.
        """
        if write == "together" and self._convoy is not None:
            return await self._convoy.acquire()
        write = bool(write)
        pool = self._writing if write else self._reading
        physical = await pool.take()
        if self.dialect == "sqlite":
            physical.driver.threaded = long
        elif self.dialect == "postgresql":
            physical.adapter.readonly = not write
        return self._link(pool, physical, write=write, slow=self._slow)

    async def acquire_apart(self) -> Link:
        """Return the one connection to SQLite that is in no pool, for reads, to who looks at the file for good."""
        assert self._apart is not None, "servers tell by themselves what changed"
        return self._link(self._apart, await self._apart.take(), write=False, slow=self._slow)

    @property
    def in_use(self) -> int:
        """Return how many connections serve somebody now."""
        return sum(pool.in_use for pool in {self._reading, self._writing})

    async def dispose(self) -> None:
        """Close all connections; those in use close when they come back."""
        if self._convoy is not None:
            await self._convoy.settled()
        for pool in {self._reading, self._writing, *([self._apart] if self._apart else [])}:
            await pool.dispose()
        for thread in self._threads:
            thread.shutdown(wait=False)


def _connect_args(address: URL, dialect: Dialect, limit: float | None) -> dict[str, Any]:
    """Return what the driver needs besides the address, whose query holds only text."""
    query = address.query
    if dialect == "mysql":
        args: dict[str, Any] = {
            "init_command": _MYSQL_SESSION,
            "connect_timeout": int(CONNECT_TIMEOUT),
            "read_timeout": limit,
        }
        return {**args, "ssl": True} if query.get("ssl") == "true" else args
    args = {
        "timeout": float(str(query.get("timeout", CONNECT_TIMEOUT))),
        "command_timeout": limit,
        "connection_class": PatientConnection,
    }
    for name in ("statement_cache_size", "max_cached_statement_lifetime"):
        if name in query:
            args[name] = int(str(query[name]))
    return args


def _without_jit(connection: Any, _record: object) -> None:
    """Let PostgreSQL run plans as they are: to compile one takes longer than any of ours runs.

    It compiles by what it believes a plan to cost, and of a prepared statement, planned for any value, that is much.
    Not among the settings of the connection's start, of which a pooler in between refuses those it does not know.
    """
    connection.run_async(lambda driver: driver.execute("SET jit = off"))


def _watch(engine: Engine, threshold: float | None) -> None:
    """Report SQLAlchemy's statements as those of the driver are; without a threshold nothing listens."""
    if threshold is None:
        return

    def before(connection: Connection, *_: object) -> None:
        connection.info["holdfast.started"] = time.perf_counter()

    def after(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        report(statement, time.perf_counter() - connection.info["holdfast.started"], threshold)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
