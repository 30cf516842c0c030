"""Waking workers: at once in the same process, between processes by LISTEN and NOTIFY on PostgreSQL, else by polling.

A word that is lost costs one interval of polling, never a job.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from holdfast.kernel.engines import Database

CHANNEL = "holdfast_jobs"
RECONNECT_SECONDS = 5.0
CANCEL_SECONDS = 0.5
WATCH_SECONDS = 0.04

log = structlog.get_logger("holdfast.jobs")


class Waker:
    """One process's ear and voice; without `start` it wakes this process only.

    Notifying goes after the commit and over a connection of its own: PostgreSQL lets transactions that notify commit
    one after the other.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._event = asyncio.Event()
        self._sure = False
        self._speak = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # Filled by an engine of this process: whether it has room itself.
        self.has_room: Callable[[], bool] = lambda: False

    def wake(self) -> None:
        """Say that a job is due: to this process, and to others where this one has no room."""
        self.nudge()
        if not self.has_room():
            self._speak.set()

    def nudge(self) -> None:
        """Wake this process only: it has room again, or heard that a job is due."""
        self._sure = True
        self._event.set()

    def tell_others(self) -> None:
        """Say to the other processes that there is more than this one takes."""
        self._speak.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until somebody wakes this process, or for the time; return whether a job is likely to be due."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        woken, self._sure = self._sure, False
        self._event.clear()
        return woken

    def start(self) -> None:
        """Listen and notify between processes where the database can."""
        talk = {"postgresql": self._converse, "sqlite": self._watch}.get(self._database.dialect)
        if talk is not None:
            self._tasks.append(asyncio.create_task(self._keep(talk)))

    async def stop(self) -> None:
        """Close the connection."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await ended(task)

    async def _keep(self, talk: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await talk()
            except Exception as error:  # noqa: BLE001  polling goes on meanwhile
                log.warning("jobs.deaf", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self) -> None:
        """Have a look whenever another connection has changed the file, which SQLite tells without reading anything."""
        link = await self._database.acquire_apart()
        try:
            known = None
            while True:
                told = await link.fetch("PRAGMA data_version")
                await link.rollback()
                if told != known:
                    known = told
                    self._event.set()
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            await link.close()

    async def _converse(self) -> None:
        """Listen, and notify when asked to, until the connection is lost."""
        async with self._database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            mine = driver.get_server_pid()

            def heard(_connection: object, pid: int, _channel: str, _payload: str) -> None:
                if pid != mine:
                    self.nudge()

            await driver.add_listener(CHANNEL, heard)
            self.nudge()  # what was said before nobody heard
            driver.add_termination_listener(lambda *_: self._speak.set())
            while not driver.is_closed():
                await self._speak.wait()
                self._speak.clear()
                if not driver.is_closed():
                    await driver.execute(f"NOTIFY {CHANNEL}")


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: what it waits for, a driver among others, may swallow the word."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if not task.cancelled():
        task.result()
