"""Short writing transactions of one SQLite process that follow one another and reach the disk together.

A commit waits for the disk, and most of what a short transaction takes is that. Each one is a savepoint here, undone
alone where it fails; whoever is last commits for all, and nobody hears of success before. To the outside they are one:
what one of them wrote the next one sees, and a crash takes all or none.
"""

import asyncio
import time
from collections import deque

import structlog

from holdfast.kernel.engines.faults import database_error
from holdfast.kernel.engines.links import Link, SqliteLink
from holdfast.kernel.engines.pool import Physical, Pool

AT_MOST = 32
LONGEST_SECONDS = 0.05
_log = structlog.get_logger("holdfast.sql")


class Convoy:
    """Takes the writing connection for those who wait here, one after the other, and gives it back when it commits.

    It commits as soon as nobody waits here or somebody waits elsewhere, and after so many or so long at the latest.
    """

    def __init__(self, pool: Pool, slow: float | None) -> None:
        self._pool = pool
        self._slow = slow
        self._queue: deque[asyncio.Future[None]] = deque()
        self._busy = False
        self._physical: Physical | None = None
        self._parts: list[asyncio.Future[None]] = []
        self._until = 0.0
        self._ending: asyncio.Task[None] | None = None

    async def acquire(self) -> Link:
        """Return a connection for one transaction that may be committed with others; raise Unavailable."""
        if self._busy:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.leave()
                raise
        self._busy = True
        try:
            if self._physical is None:
                physical = await self._pool.take()
                self._physical, self._until = physical, time.monotonic() + LONGEST_SECONDS
                await physical.driver.begin()
            await self._physical.driver.begin_part()
        except BaseException as error:
            self.leave()
            known = database_error(error) if isinstance(error, Exception) else None
            if known is None or known is error:
                raise
            raise known from error
        return _Part(self, self._pool, self._physical, slow=self._slow)

    def leave(self, part: "asyncio.Future[None] | None" = None) -> None:
        """End one's turn; `part` is that of a transaction that is to be committed, and done when it is."""
        if part is not None:
            self._parts.append(part)
        if not (self._may_go_on() and self._next()):
            # In a task of its own: whoever is cancelled must not take the others' commit with them.
            self._ending = asyncio.create_task(self._commit())

    async def settled(self) -> None:
        """Wait until what was to be committed is."""
        while self._ending is not None and not self._ending.done():
            await asyncio.wait([self._ending])

    def _next(self) -> bool:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def _may_go_on(self) -> bool:
        return self._physical is None or (
            self._physical.driver.in_part_of_one
            and len(self._parts) < AT_MOST
            and time.monotonic() < self._until
            and not self._pool.awaited
        )

    async def _commit(self) -> None:
        if self._may_go_on() and self._next():
            return  # somebody has come between: tasks that were made at once begin one after the other
        physical, self._physical = self._physical, None
        parts, self._parts = self._parts, []
        error: Exception | None = None
        if physical is not None:
            try:
                await physical.driver.end_parts(commit=bool(parts))
            except Exception as failed:  # noqa: BLE001  told to everyone whose part it was
                error = failed
            try:
                await physical.driver.rollback()
            except Exception as failed:  # noqa: BLE001  it is not used again
                _log.warning("database.dropped", error=f"{type(failed).__name__}: {failed}")
                self._pool.discard(physical)
            else:
                self._pool.give(physical)
        for part in parts:
            if part.done():
                continue
            if error is None:
                part.set_result(None)
            else:
                part.set_exception(error)
                part.exception()  # who was cancelled meanwhile does not ask for it
        self._busy = self._next()


class _Part(SqliteLink):
    """A link whose transaction is one of several that are committed together; after its commit it is over."""

    __slots__ = ("_convoy", "_left")

    def __init__(self, convoy: Convoy, pool: Pool, physical: Physical, *, slow: float | None) -> None:
        super().__init__(pool, physical, write=True, slow=slow)
        self._convoy = convoy
        self._left = False

    async def _commit(self) -> None:
        await super()._commit()
        self._left = True
        part: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._convoy.leave(part)
        await part

    async def close(self) -> None:
        """Undo what was not committed, alone, and let the next one go on."""
        if not self._left:
            self._left = True
            try:
                await self._rollback()
            finally:
                self._convoy.leave()
