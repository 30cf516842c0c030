"""Links: one pooled connection in one transaction, for the driver's own statements and SQLAlchemy's alike."""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn, cast

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy
import structlog
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import greenlet_spawn

from holdfast.kernel.engines.faults import database_error
from holdfast.kernel.engines.pool import Dialect, Physical, Pool

CANCEL_TIMEOUT = 1.0
LONGEST_STATEMENT = 4000  # characters in the log
_MARK = r"(?:\$\d+(?:::\w+)?|\?|%s)"
_MANY = re.compile(rf"\({_MARK}(?:, ?{_MARK}){{9,}}\)")
_log = structlog.get_logger("holdfast.sql")


class Link(ABC):
    """One pooled connection in one transaction, which begins with its first statement or with `begin`.

    Statements are in the driver's own form: `$1` on PostgreSQL, `?` on SQLite, `%s` (and `%%` for a percent sign) on
    MySQL and MariaDB; so are values: a UUID is an object on PostgreSQL and `UUID.hex` on the others. Errors of the
    driver come out as HoldfastError where `database_error` knows them. `close` must be called in every path.
    """

    __slots__ = ("_closed", "_connection", "_doubtful", "_physical", "_pool", "_slow", "write")
    dialect: ClassVar[Dialect]

    def __init__(self, pool: Pool, physical: Physical, *, write: bool, slow: float | None) -> None:
        self.write = write
        self._pool = pool
        self._physical = physical
        self._slow = slow
        self._connection: AsyncConnection | None = None
        self._closed = False
        self._doubtful = False

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
            report(sql, time.perf_counter() - started, self._slow)
        return rows

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        started = time.perf_counter()
        try:
            count = await self._execute(sql, parameters)
        except Exception as error:  # noqa: BLE001  sorted in _raise
            _raise(error)
        if self._slow is not None:
            report(sql, time.perf_counter() - started, self._slow)
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
        if self._doubtful:
            self._pool.discard(self._physical)
            return
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
            try:
                await adapter._start_transaction()  # noqa: SLF001
            except asyncio.CancelledError:
                self._doubtful = True  # the server may have begun: nobody else may get such a connection
                raise

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
            except asyncio.CancelledError:
                self._doubtful = True
                raise
            finally:
                # what asyncpg's Transaction and the adapter do at its end
                adapter._transaction = None  # noqa: SLF001
                physical.driver._top_xact = None  # noqa: SLF001
        sync = self._sync_connection()
        if sync is not None and sync.in_transaction():
            # nothing is sent any more, hence no greenlet
            sync.commit() if command == "COMMIT" and answer == command else sync.rollback()
        return answer


class PatientConnection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's connection, closed where the server does not even end a statement that was given up."""

    def _cancel_current_command(self, *waiters: "asyncio.Future[None]") -> None:
        # What comes next on the connection waits until the server has answered that, or for the limit once more.
        super()._cancel_current_command(*waiters)
        self._loop.call_later(CANCEL_TIMEOUT, lambda: waiters[-1].done() or self.terminate())


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


class SqliteLink(_PlainLink):
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


LINKS: dict[Dialect, type[Link]] = {"postgresql": _PostgresqlLink, "sqlite": SqliteLink, "mysql": _MysqlLink}


def _raise(error: Exception) -> NoReturn:
    found = database_error(error)
    if found is None or found is error:
        raise error
    raise found from error


def report(sql: str, seconds: float, threshold: float) -> None:
    """Log a statement without its values: `sql.slow` at or above the threshold, `sql.query` when echo made it zero."""
    if seconds >= threshold:
        log = _log.warning if threshold else _log.info
        log("sql.slow" if threshold else "sql.query", statement=_short(sql), ms=round(seconds * 1000, 3))


def _short(sql: str) -> str:
    """Return a statement in one line that a person can read: hundreds of placeholders say no more than one."""
    told = _MANY.sub("(…)", " ".join(sql.split()))
    return told if len(told) <= LONGEST_STATEMENT else f"{told[: LONGEST_STATEMENT - 1]}…"
