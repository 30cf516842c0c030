"""Databases and the connections that units of work hold: three dialects, raw driver and SQLAlchemy alike.

A `Link` is one physical connection in one transaction. The driver's own statements (`fetch`, `execute`) and those of
SQLAlchemy (`connection`) share it; SQLAlchemy's objects are built only when asked for, because they cost more than a
list does.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal, NoReturn, cast

import sqlalchemy
import structlog
from sqlalchemy import Connection, Engine, NullPool, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from holdfast.kernel.addresses import normalise_url
from holdfast.kernel.database_errors import ConstraintConflict, database_error
from holdfast.kernel.pool import CONNECT_TIMEOUT, Dialect, Physical, Pool
from holdfast.kernel.sqlite import SqliteConnection, connect

__all__ = ["ConstraintConflict", "Database", "Dialect", "Link", "database_error", "normalise_url"]

_log = structlog.get_logger("holdfast.sql")
_SQLITE_BUSY_TIMEOUT = 5.0
_SQLITE_CACHE_KIB = 16384
# Strict: a value that does not fit is an error, never cut. Times are UTC whatever the server's zone is.
_MYSQL_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = 5"
)


class Link(ABC):
    """One pooled connection in one transaction, which begins with its first statement or with `begin`.

    Statements are in the driver's own form: `$1` on PostgreSQL, `?` on SQLite, `%s` (and `%%` for a percent sign) on
    MySQL and MariaDB; so are values: a UUID is an object on PostgreSQL and `UUID.hex` on the others. Errors of the
    driver come out as HoldfastError where `database_error` knows them. `close` must be called in every path.
    """

    __slots__ = ("_closed", "_connection", "_physical", "_pool", "_slow", "write")
    dialect: ClassVar[Dialect]

    def __init__(self, pool: Pool, physical: Physical, *, write: bool, slow: float | None) -> None:
        self.write = write
        self._pool = pool
        self._physical = physical
        self._slow = slow
        self._connection: AsyncConnection | None = None
        self._closed = False

    @property
    def connection(self) -> AsyncConnection:
        """Return SQLAlchemy's connection over the same physical one, in the same transaction.

        A session bound to it joins that transaction: only the link commits.
        """
        if self._connection is None:
            engine = self._pool.engine
            self._connection = AsyncConnection(engine, Connection(engine.sync_engine, connection=self._physical.fairy))
        sync = self._sync_connection()
        if sync is not None and not sync.in_transaction():
            sync.begin()  # no dialect sends anything here
        return self._connection

    @property
    def sql_dialect(self) -> sqlalchemy.Dialect:
        """Return what compiles statements for this database."""
        return self._pool.engine.dialect

    async def begin(self) -> None:
        """Begin the transaction if it has not begun."""
        try:
            await self._begin()
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Sequence[Any]]:
        """Run a statement and return its rows as the driver gives them."""
        started = time.perf_counter()
        try:
            rows = await self._fetch(sql, parameters)
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)
        if self._slow is not None:
            _report(sql, time.perf_counter() - started, self._slow)
        return rows

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        started = time.perf_counter()
        try:
            count = await self._execute(sql, parameters)
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)
        if self._slow is not None:
            _report(sql, time.perf_counter() - started, self._slow)
        return count

    async def commit(self) -> None:
        """Commit; what follows is another transaction."""
        try:
            await self._commit()
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)

    async def rollback(self) -> None:
        """Roll back; what follows is another transaction."""
        try:
            await self._rollback()
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)

    async def close(self) -> None:
        """Roll back what is open and return the connection; one that is lost or in doubt is dropped instead."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._rollback()
        except Exception as error:  # noqa: BLE001  the unit of work is over, the error was met before
            _log.warning("database.dropped", error=f"{type(error).__name__}: {error}")
            self._pool.discard(self._physical)
        except BaseException:
            self._pool.discard(self._physical)
            raise
        else:
            self._pool.give(self._physical)

    def _sync_connection(self) -> Connection | None:
        return None if self._connection is None else self._connection.sync_connection

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _fetch(self, sql: str, parameters: Sequence[object]) -> list[Sequence[Any]]: ...

    @abstractmethod
    async def _execute(self, sql: str, parameters: Sequence[object]) -> int: ...

    @abstractmethod
    async def _commit(self) -> None: ...

    @abstractmethod
    async def _rollback(self) -> None: ...


class _PostgresqlLink(Link):
    """asyncpg: the transaction is the adapter's, so that both kinds of statement know it."""

    __slots__ = ()
    dialect = "postgresql"

    async def _begin(self) -> None:
        adapter = self._physical.adapter
        if adapter._transaction is None:  # noqa: SLF001
            # SQLAlchemy's adapter begins only with its own first statement. A raw one before would run outside any
            # transaction and a transaction-local tenant setting would be lost: so the adapter's private method is
            # called, here and nowhere else.
            await adapter._start_transaction()  # noqa: SLF001

    async def _fetch(self, sql: str, parameters: Sequence[object]) -> list[Sequence[Any]]:
        if self._physical.adapter._transaction is None:  # noqa: SLF001
            await self._begin()
        return cast("list[Sequence[Any]]", await self._physical.driver.fetch(sql, *parameters))

    async def _execute(self, sql: str, parameters: Sequence[object]) -> int:
        if self._physical.adapter._transaction is None:  # noqa: SLF001
            await self._begin()
        tag: str = await self._physical.driver.execute(sql, *parameters)
        last = tag.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def _commit(self) -> None:
        answer = await self._end("COMMIT")
        if answer == "ROLLBACK":
            # The server answers so, without an error, when a statement of the transaction failed and someone went on;
            # asyncpg's own commit() drops the answer.
            raise RuntimeError("A statement of this transaction failed before: nothing was committed.")

    async def _rollback(self) -> None:
        await self._end("ROLLBACK")

    async def _end(self, command: str) -> str | None:
        physical, answer = self._physical, None
        adapter = physical.adapter
        if adapter._transaction is not None:  # noqa: SLF001
            try:
                answer = cast("str", await physical.driver.execute(command))
            finally:
                # what asyncpg's Transaction and the adapter do at its end
                adapter._transaction = None  # noqa: SLF001
                physical.driver._top_xact = None  # noqa: SLF001
        sync = self._sync_connection()
        if sync is not None and sync.in_transaction():
            # nothing is sent any more, hence no greenlet
            sync.commit() if command == "COMMIT" and answer == command else sync.rollback()
        return answer


class _PlainLink(Link):
    """SQLite and asyncmy: SQLAlchemy's end of the transaction is the driver's."""

    __slots__ = ()

    async def _commit(self) -> None:
        sync = self._sync_connection()
        if sync is not None and sync.in_transaction():
            await greenlet_spawn(sync.commit)
        else:
            await self._physical.driver.commit()

    async def _rollback(self) -> None:
        sync = self._sync_connection()
        if sync is not None and sync.in_transaction():
            await greenlet_spawn(sync.rollback)
        else:
            await self._physical.driver.rollback()


class _SqliteLink(_PlainLink):
    """SQLite: the connection begins by itself."""

    __slots__ = ()
    dialect = "sqlite"

    async def _begin(self) -> None:
        await self._physical.driver.begin()

    async def _fetch(self, sql: str, parameters: Sequence[object]) -> list[Sequence[Any]]:
        return cast("list[Sequence[Any]]", await self._physical.driver.fetch(sql, parameters))

    async def _execute(self, sql: str, parameters: Sequence[object]) -> int:
        cursor = await self._physical.driver.run(sql, parameters)
        return cast("int", cursor.rowcount)


class _MysqlLink(_PlainLink):
    """asyncmy: with autocommit off the server begins with the first statement."""

    __slots__ = ()
    dialect = "mysql"

    async def _begin(self) -> None:
        await self._physical.driver.begin()

    async def _fetch(self, sql: str, parameters: Sequence[object]) -> list[Sequence[Any]]:
        cursor = self._physical.driver.cursor()
        await cursor.execute(sql, tuple(parameters))
        return list(await cursor.fetchall())

    async def _execute(self, sql: str, parameters: Sequence[object]) -> int:
        cursor = self._physical.driver.cursor()
        return cast("int", await cursor.execute(sql, tuple(parameters)))


_LINKS: dict[Dialect, type[Link]] = {"postgresql": _PostgresqlLink, "sqlite": _SqliteLink, "mysql": _MysqlLink}


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
        self._link = _LINKS[dialect]
        self._threads: tuple[ThreadPoolExecutor, ...] = ()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool_size: int,
        pool_timeout: float,
        pool_recycle: int,
        pool_pre_ping: bool,
        sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL",
        slow_query_ms: int | None = None,
        echo: bool = False,
    ) -> "Database":
        """Return the database at an address without connecting yet; times in seconds unless they say otherwise.

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
            connect_args=_connect_args(address, dialect),
            hide_parameters=True,
        )
        _watch(engine.sync_engine, slow)
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
        return self

    async def acquire(self, *, write: bool, long: bool = False) -> Link:
        """Return a connection for one transaction; `long` keeps reads that may take a while off SQLite's event loop.

        A link that is not for writing refuses to write on SQLite and PostgreSQL. On SQLite one writing link exists at
        a time, from here until it is closed: whoever holds one must not ask for a second.
        Raises Unavailable (with Retry-After) when there is none in time or the database is out of reach.
        """
        pool = self._writing if write else self._reading
        physical = await pool.take()
        if self.dialect == "sqlite":
            physical.driver.threaded = long
        elif self.dialect == "postgresql":
            physical.adapter.readonly = not write
        return self._link(pool, physical, write=write, slow=self._slow)

    async def dispose(self) -> None:
        """Close all connections; those in use close when they come back."""
        for pool in {self._reading, self._writing}:
            await pool.dispose()
        for thread in self._threads:
            thread.shutdown(wait=False)


def _connect_args(address: URL, dialect: Dialect) -> dict[str, Any]:
    """Return what the driver needs besides the address, whose query holds only text."""
    query = address.query
    if dialect == "mysql":
        args: dict[str, Any] = {"init_command": _MYSQL_SESSION, "connect_timeout": int(CONNECT_TIMEOUT)}
        return {**args, "ssl": True} if query.get("ssl") == "true" else args
    args = {"timeout": float(str(query.get("timeout", CONNECT_TIMEOUT)))}
    for name in ("statement_cache_size", "max_cached_statement_lifetime"):
        if name in query:
            args[name] = int(str(query[name]))
    return args


def _raise(error: Exception) -> NoReturn:
    found = database_error(error)
    if found is None or found is error:
        raise error
    raise found from error


def _report(sql: str, seconds: float, threshold: float) -> None:
    """Log a statement without its values: `sql.slow` at or above the threshold, `sql.query` when echo made it zero."""
    if seconds >= threshold:
        log = _log.warning if threshold else _log.info
        log("sql.slow" if threshold else "sql.query", statement=" ".join(sql.split()), ms=round(seconds * 1000, 3))


def _watch(engine: Engine, threshold: float | None) -> None:
    """Report SQLAlchemy's statements as those of the driver are; without a threshold nothing listens."""
    if threshold is None:
        return

    def before(connection: Connection, *_: object) -> None:
        connection.info["holdfast.started"] = time.perf_counter()

    def after(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        _report(statement, time.perf_counter() - connection.info["holdfast.started"], threshold)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
