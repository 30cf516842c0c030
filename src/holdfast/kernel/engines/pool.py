"""A fixed pool of database connections, handed out in the order in which they were asked for.

SQLAlchemy's queue makes a task and a timer for every checkout once the pool is full, and resets every connection that
comes back; taking from a list does neither. SQLAlchemy still makes the connections.
"""

import asyncio
import time
from collections import deque
from typing import Any, Literal

import structlog
from sqlalchemy.engine.interfaces import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from holdfast.kernel.engines.faults import database_error
from holdfast.kernel.errors import Unavailable

Dialect = Literal["sqlite", "postgresql", "mysql"]
CONNECT_TIMEOUT = 5.0
_log = structlog.get_logger("holdfast.sql")


class Physical:
    """One connection to the database, which stays open between units of work."""

    __slots__ = ("adapter", "born", "driver", "fairy")

    def __init__(self, fairy: PoolProxiedConnection) -> None:
        self.fairy = fairy
        self.adapter: Any = fairy.dbapi_connection
        self.driver: Any = fairy.driver_connection
        self.born = time.monotonic()

    def terminate(self) -> None:
        """Close without waiting for the server, also while a task is being cancelled."""
        if self.fairy.dbapi_connection is not None:  # else SQLAlchemy met the loss first and closed it
            self.fairy.detach()
        self.adapter._terminate_force_close()  # noqa: SLF001  the public terminate() waits for the server


class Pool:
    """Up to `size` connections of one engine; whoever waits longer than `timeout` seconds gets Unavailable.

    Connections older than `recycle` seconds are replaced; `pre_ping` asks the server before each use.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        dialect: Dialect,
        *,
        size: int,
        timeout: float,
        recycle: float = -1,
        pre_ping: bool = False,
    ) -> None:
        self.engine = engine
        self._dialect = dialect
        self._size = size
        self._timeout = timeout
        self._recycle = recycle
        self._pre_ping = pre_ping and dialect != "sqlite"
        self._made = 0
        self._closed = False
        self._idle: list[Physical] = []
        self._waiting: deque[asyncio.Future[Physical | None]] = deque()

    @property
    def in_use(self) -> int:
        """Return how many connections are out."""
        return self._made - len(self._idle)

    @property
    def awaited(self) -> bool:
        """Tell whether somebody waits for a connection."""
        return any(not future.done() for future in self._waiting)

    async def take(self) -> Physical:
        """Return a connection that nobody else uses; raise Unavailable when there is none in time."""
        while self._idle:
            physical = self._idle.pop()
            if self._usable(physical) and (not self._pre_ping or await self._answers(physical)):
                return physical
            self.discard(physical)
        if self._made < self._size:
            self._made += 1
            return await self._connect()
        handed = await self._wait()
        if handed is None:
            return await self._connect()
        if self._usable(handed):
            return handed
        handed.terminate()
        return await self._connect()

    def give(self, physical: Physical) -> None:
        """Take back a connection that is outside any transaction: the one who waits longest gets it."""
        if self._closed or not self._usable(physical):
            self.discard(physical)
            return
        if not self._hand(physical):
            self._idle.append(physical)

    def discard(self, physical: Physical) -> None:
        """Close a connection and free its place."""
        try:
            physical.terminate()
        finally:
            self._free()

    async def dispose(self) -> None:
        """Close the idle connections in good order; those in use close when they come back."""
        self._closed = True
        idle, self._idle = self._idle, []
        for physical in idle:
            self._made -= 1
            await greenlet_spawn(physical.fairy.close)

    async def _connect(self) -> Physical:
        """Fill a place that is counted already."""
        try:
            # asyncmy's own limit ends once the socket is open, before the server has said a word.
            async with asyncio.timeout(CONNECT_TIMEOUT if self._dialect == "mysql" else None):
                return Physical(await greenlet_spawn(self.engine.sync_engine.raw_connection))
        except Exception as error:
            self._free()
            # One line: while the database is away every request meets this, and no traceback says more than the text.
            _log.error("database.unreachable", error=f"{type(error).__name__}: {error}")
            found = database_error(error)
            if not isinstance(found, Unavailable):
                found = Unavailable("The database cannot be reached; try again.")
            raise found from error
        except BaseException:
            self._free()
            raise

    def _free(self) -> None:
        if not self._hand(None):
            self._made -= 1

    def _hand(self, physical: Physical | None) -> bool:
        """Give a connection, or with None the place for one, to the one who waits longest."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(physical)
                return True
        return False

    async def _wait(self) -> Physical | None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Physical | None] = loop.create_future()
        self._waiting.append(future)
        timer = loop.call_later(self._timeout, _expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            # cancelled after it was handed something: that goes to the next
            if future.done() and not future.cancelled() and future.exception() is None:
                handed = future.result()
                if handed is None:
                    self._free()
                else:
                    self.give(handed)
            raise
        finally:
            timer.cancel()

    def _usable(self, physical: Physical) -> bool:
        if physical.fairy.dbapi_connection is None:
            return False
        if self._dialect == "sqlite":
            return True
        if 0 <= self._recycle <= time.monotonic() - physical.born:
            return False
        if self._dialect == "postgresql":
            return not physical.driver.is_closed()
        return not physical.driver._stream_broken  # noqa: SLF001  where asyncmy notices that the server hung up

    async def _answers(self, physical: Physical) -> bool:
        driver = physical.driver
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await (driver.fetchrow(";") if self._dialect == "postgresql" else driver.ping(False))
        except Exception:  # noqa: BLE001  whatever it is, another connection is made
            return False
        except BaseException:
            self.discard(physical)
            raise
        return True


def _expire(future: "asyncio.Future[Physical | None]") -> None:
    if not future.done():
        future.set_exception(Unavailable("All connections to the database are in use; try again.", retry_after=1))
