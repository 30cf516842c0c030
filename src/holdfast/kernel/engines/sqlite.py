"""SQLite under asyncio without a thread a connection: bounded statements run on the loop, what may wait in a thread.

Threads that hold rows fight for the interpreter lock. Five updates and their commit cost 92 µs of CPU and 97 µs in all
when only the commit, which waits for the disk, is in a thread; 383 and 664 when each statement is (2 cores, tmpfs,
synchronous=NORMAL). A writing transaction waits for other processes on the loop, before its first statement; after that
nothing in it waits. The class here has the surface that SQLAlchemy's aiosqlite dialect asks of a connection, so that
SQLAlchemy itself is unchanged on top of it.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")
_PAUSE = 0.002
_LONGEST_PAUSE = 0.05


class SqliteConnection:
    """One SQLite connection; `write` says whether its transactions begin as writing ones.

    `begin` is called before the first statement of a transaction, by whoever sends it. With `threaded`, statements
    run in the database's one thread, for reads that may be long.
    """

    def __init__(
        self, raw: sqlite3.Connection, thread: ThreadPoolExecutor, *, write: bool, busy_timeout: float
    ) -> None:
        self._connection: sqlite3.Connection | None = raw
        self._raw = raw
        self._thread = thread
        self._busy_timeout = busy_timeout
        self.write = write
        self.threaded = False
        self._parts = self._in_part = False

    @property
    def isolation_level(self) -> str | None:
        """Return None: the module's own transaction handling is off, `begin` is ours."""
        return self._raw.isolation_level

    async def run(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Begin if need be, run one statement with all its rows to be fetched, and return its cursor."""
        if not self._raw.in_transaction:
            await self.begin()
        if self.threaded:
            return await self._in_thread(lambda: self._raw.execute(sql, parameters))
        return self._raw.execute(sql, parameters)

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Run one statement and return its rows."""
        if not self._raw.in_transaction:
            await self.begin()
        if self.threaded:
            return await self._in_thread(lambda: self._raw.execute(sql, parameters).fetchall())
        return self._raw.execute(sql, parameters).fetchall()

    async def run_many(self, sql: str, parameters: Iterable[Sequence[object]]) -> sqlite3.Cursor:
        """Run one statement for many rows, in the thread: nobody knows how many they are."""
        if not self._raw.in_transaction:
            await self.begin()
        return await self._in_thread(lambda: self._raw.executemany(sql, parameters))

    async def begin(self) -> None:
        """Begin a transaction; a writing one waits on the loop, not in SQLite, while another process writes.

        Raises sqlite3.OperationalError (SQLITE_BUSY) once the busy timeout has passed.
        """
        if self._raw.in_transaction:
            return
        if self._parts:
            raise sqlite3.OperationalError("the transactions that were to be committed together were undone")
        if not self.write:
            self._raw.execute("BEGIN")
            return
        end, pause = time.monotonic() + self._busy_timeout, _PAUSE
        while True:
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return

    async def begin_part(self) -> None:
        """Begin one of several transactions in the open one: `commit` and `rollback` end it alone, for now."""
        self._raw.execute("SAVEPOINT part")
        self._parts = self._in_part = True

    @property
    def in_part_of_one(self) -> bool:
        """Tell whether what was done so far is still to be committed: SQLite itself may have undone everything."""
        return self._raw.in_transaction

    async def end_parts(self, *, commit: bool) -> None:
        """Commit all of them together; raise sqlite3.OperationalError where SQLite itself undid them."""
        self._parts = self._in_part = False
        if not commit:
            self.rollback_now()
        elif not self._raw.in_transaction:
            raise sqlite3.OperationalError("the transactions that were to be committed together were undone")
        else:
            await self.commit()

    def suspend_foreign_keys(self) -> None:
        """Let tables be made anew, which SQLite does by dropping them; whoever does it checks the keys afterwards."""
        self._raw.execute("PRAGMA foreign_keys = OFF")

    async def commit(self) -> None:
        """Commit; a writing transaction in the thread, because it waits for the disk."""
        if self._parts:
            if self._in_part:
                self._raw.execute("RELEASE part")
                self._in_part = False
            return
        if not self._raw.in_transaction:
            return
        if self.write:
            await self._in_thread(self._raw.commit)
        else:
            self._raw.commit()

    async def rollback(self) -> None:
        """Roll back what is open."""
        self.rollback_now()

    def rollback_now(self) -> None:
        """Roll back what is open, without a chance to be cancelled."""
        if self._parts:
            if self._in_part and self._raw.in_transaction:
                self._raw.execute("ROLLBACK TO part")
                self._raw.execute("RELEASE part")
            self._in_part = False
            return
        if self._connection is not None and self._raw.in_transaction:
            self._raw.rollback()

    async def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self.stop()

    def stop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection = None
            self._raw.close()

    async def create_function(self, *args: Any, **options: Any) -> None:
        """Register an SQL function, as the dialect does for `regexp`."""
        self._raw.create_function(*args, **options)

    def cursor(self) -> "SqliteCursor":
        """Return a cursor in the form that SQLAlchemy awaits."""
        return SqliteCursor(self)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, function)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # The thread holds the connection until its statement ends: whoever was cancelled would otherwise roll
            # back under it. A read is told to stop; a write is short.
            if not self.write:
                self._raw.interrupt()
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():
                future.exception()
            raise


class SqliteCursor:
    """A cursor whose rows are fetched when its statement runs."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: list[Any] = []

    def __aenter__(self) -> Awaitable["SqliteCursor"]:
        return _Ready(self)

    @property
    def description(self) -> Any:
        """Return DB-API's description of the columns, None for a statement without rows."""
        return None if self._cursor is None else self._cursor.description

    @property
    def rowcount(self) -> int:
        """Return the number of rows changed, -1 for a select."""
        return -1 if self._cursor is None else self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Return the row id of the last insert."""
        return None if self._cursor is None else self._cursor.lastrowid

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> "SqliteCursor":
        """Run one statement."""
        self._cursor = await self._connection.run(sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Sequence[object]]) -> "SqliteCursor":
        """Run one statement for many rows."""
        self._cursor = await self._connection.run_many(sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return [] if self._cursor is None else self._cursor.fetchall()

    async def fetchone(self) -> Any:
        """Return the next row or None."""
        return None if self._cursor is None else self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next `size` rows."""
        return [] if self._cursor is None else self._cursor.fetchmany(size or self.arraysize)

    async def setinputsizes(self, *sizes: Any) -> None:
        """Do nothing: SQLite has no use for sizes."""

    async def close(self) -> None:
        """Drop the statement; its description stays readable."""
        if self._cursor is not None:
            self._cursor.close()


class _Ready:
    """An awaitable that has its value already."""

    def __init__(self, value: SqliteCursor) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, SqliteCursor]:
        return self._value
        yield  # makes the method a generator


def connect(
    path: str,
    thread: ThreadPoolExecutor,
    *,
    write: bool,
    synchronous: Literal["FULL", "NORMAL"],
    busy_timeout: float,
    cache_kib: int,
) -> SqliteConnection:
    """Open the file with Holdfast's pragmas; a connection that is not for writing refuses to write."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        # Writers wait on the event loop (see begin); a reader only ever waits while a log is being recovered.
        raw.execute(f"PRAGMA busy_timeout = {0 if write else int(busy_timeout * 1000)}")
        _use_wal(raw, busy_timeout)
        for pragma in (
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "recursive_triggers = ON",
            f"cache_size = -{cache_kib}",
            "mmap_size = 268435456",
            "temp_store = MEMORY",
            "trusted_schema = OFF",
            f"query_only = {'OFF' if write else 'ON'}",
        ):
            raw.execute(f"PRAGMA {pragma}")
    except BaseException:
        raw.close()
        raise
    return SqliteConnection(raw, thread, write=write, busy_timeout=busy_timeout)


def _use_wal(raw: sqlite3.Connection, busy_timeout: float) -> None:
    """Turn write-ahead logging on; the switch itself ignores the busy timeout, so it is tried again here."""
    end = time.monotonic() + busy_timeout
    while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            raw.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_PAUSE)
