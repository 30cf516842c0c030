"""The engine: claims jobs, runs them, keeps their leases, and sees to those whose worker has died."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog

from holdfast.kernel.errors import HoldfastError, Unavailable
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.claiming import claim, queue_lag
from holdfast.kernel.jobs.declaration import JOBS
from holdfast.kernel.jobs.outcomes import CANCELLED, Observer, Outcomes, Trouble, ending_of, trouble_of
from holdfast.kernel.jobs.running import CancelAsked, Claimed, LeaseLost, Principals, Run
from holdfast.kernel.jobs.schedules import Timetable
from holdfast.kernel.jobs.statements import database_now, fetch, run
from holdfast.kernel.jobs.waking import Waker, ended
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.telemetry import request_facts
from holdfast.kernel.work import Works

GATHER_SECONDS = 0.01
RESCUE_SECONDS = 5.0
COUNT_SECONDS = 15.0
OUT_OF_REACH_SECONDS = 2.0

log = structlog.get_logger("holdfast.jobs")


class Engine(Protocol):
    """What runs jobs: this process itself, or a bridge to another system that does."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self, seconds: float) -> None:
        """Claim nothing more, finish what runs within the time, and give the rest back."""
        ...


class EmbeddedEngine:
    """Runs jobs as tasks of this process's event loop, `slots` of them at a time."""

    def __init__(
        self,
        works: Works,
        waker: Waker,
        timetable: Timetable,
        *,
        principals: Principals,
        outcomes: Outcomes,
        seen: Observer,
    ) -> None:
        settings = works.settings
        self.worker_id = new_id()
        self._works = works
        self._waker = waker
        self._timetable = timetable
        self._principals = principals
        self._outcomes = outcomes
        self._seen = seen
        self._slots = settings.jobs_concurrency
        self._poll = settings.jobs_poll_seconds
        self._lease = timedelta(seconds=settings.jobs_lease_seconds)
        self._running: dict[asyncio.Task[None], Run] = {}
        self._looking: list[asyncio.Task[None]] = []
        self._loops: list[asyncio.Task[None]] = []
        self._more = False
        self._one_by_one = works.database.dialect == "sqlite"  # it has one writer
        self._gathering: asyncio.TimerHandle | None = None
        self._closing = False

    def start(self) -> None:
        """Claim, keep leases and rescue, each in a task of its own."""
        self._waker.has_room = lambda: not self._closing and len(self._running) < self._slots
        beat = self._lease.total_seconds() / 3
        self._looking = [asyncio.create_task(self._forever(self._look, 0, lambda: self._closing))]
        self._loops = [
            asyncio.create_task(self._forever(self._beat, beat)),
            asyncio.create_task(self._forever(self._rescue, min(beat, RESCUE_SECONDS))),
            asyncio.create_task(self._forever(self._keep_time, 0)),
            asyncio.create_task(self._forever(self._count, COUNT_SECONDS)),
        ]

    async def stop(self, seconds: float) -> None:
        """Claim nothing more, finish what runs within the time, and give the rest back."""
        self._closing = True
        self._waker.nudge()
        for looking in self._looking:
            await asyncio.wait([looking], timeout=seconds)  # it may hold jobs that have not begun
            await ended(looking)
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        left = dict(self._running)
        for task in left:
            await ended(task)
        for each in left.values():
            with suppress(HoldfastError):
                await self._settle(each.claimed, None)
        for loop in self._loops:
            await ended(loop)

    async def _forever(
        self, step: Callable[[], Awaitable[None]], pause: float, over: Callable[[], bool] = lambda: False
    ) -> None:
        """Do a step again and again; what stops one is logged, and the next may go well."""
        while not over():
            try:
                await step()
            except Unavailable as error:
                log.warning("jobs.out_of_reach", error=error.detail)
                await asyncio.sleep(OUT_OF_REACH_SECONDS * random.uniform(0.5, 1))  # noqa: S311  spreads workers
            except Exception:
                log.exception("jobs.engine_failed")
                await asyncio.sleep(OUT_OF_REACH_SECONDS)
            await asyncio.sleep(pause)

    # ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self) -> None:
        """Wait until something may be due, and take what there is room for."""
        woken = await self._waker.wait(self._poll)
        free = self._slots - len(self._running)
        if free <= 0 or self._closing or not (woken or await self._is_due()):
            return
        mine = Counter(each.claimed.tenant_id for each in self._running.values())
        works = self._works
        claimed = await claim(
            works.database, works.clock, self.worker_id, free=free, slots=self._slots, mine=mine, lease=self._lease
        )
        for each in claimed:
            self._seen.waited(each.name, max(0.0, (works.clock() - each.run_at).total_seconds()))
            self._begin(each)
        self._more = len(claimed) == free
        if self._more:
            self._waker.tell_others()

    async def _is_due(self) -> bool:
        link = await self._works.database.acquire(write=False)
        try:
            now = await database_now(link, self._works.clock)
            return bool(await fetch(link, statements.peek, {"now": now}))
        finally:
            await link.close()

    def _begin(self, claimed: Claimed) -> None:
        job = Run(self._works, self._principals, claimed, self._lease)
        job.done, job.total = claimed.progress_done, claimed.progress_total
        task = asyncio.create_task(self._perform(job))
        self._running[task] = job
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and task.exception() is not None:
            log.error("jobs.not_settled", error=repr(task.exception()))
        if not self._more:
            return
        # What ends together is replaced together: each claim is a transaction, which on SQLite waits for the disk.
        if len(self._running) <= (0 if self._one_by_one else self._slots // 2):
            self._waker.nudge()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        self._waker.nudge()

    async def _count(self) -> None:
        link = await self._works.database.acquire(write=False)
        try:
            lag = await queue_lag(link, self._works.clock)
            counts = dict(await fetch(link, statements.backlog, {}))
        finally:
            await link.close()
        self._seen.queued(counts, lag)

    async def _keep_time(self) -> None:
        await asyncio.sleep(await self._timetable.tick())

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _perform(self, attempt: Run) -> None:
        """Run one attempt and see to how it ended."""
        claimed, job = attempt.claimed, JOBS[attempt.claimed.name]
        facts = {"request_id": str(claimed.id), "tenant_id": claimed.tenant_id, "user_id": claimed.asked_by}
        request_facts.set(facts)
        began = time.perf_counter()
        trouble = None
        try:
            ids = job.read(claimed.ids)
            async with asyncio.timeout(job.timeout_seconds):
                if job.long:
                    await job.handler(attempt, **ids)
                    async with self._works.begin(claimed.tenant_id, SYSTEM, request=claimed.request) as work:
                        await attempt.finish(work)
                else:
                    async with attempt.begin(last=True) as work:
                        await job.handler(work, **ids)
        except LeaseLost:
            log.warning("job.lost", job=claimed.name)
            return
        except Exception as error:
            trouble = trouble_of(error)
            if not isinstance(error, HoldfastError | CancelAsked | TimeoutError):
                log.exception("job.raised", job=claimed.name)
        seconds = time.perf_counter() - began
        outcome = "done"
        if trouble is not None:
            outcome = (await self._settle_patiently(claimed, trouble)) or "lost"
        self._seen.ran(claimed.name, outcome, seconds)
        log.info("job.ran", job=claimed.name, outcome=outcome, attempt=claimed.attempts, ms=round(seconds * 1000, 3))

    async def _settle_patiently(self, claimed: Claimed, trouble: Trouble) -> str | None:
        """Write how an attempt ended, again and again while the database is out of reach."""
        while True:
            try:
                return await self._settle(claimed, trouble)
            except Unavailable as error:
                log.warning("jobs.out_of_reach", job=claimed.name, error=error.detail)
                await asyncio.sleep(OUT_OF_REACH_SECONDS)

    async def _settle(self, claimed: Claimed, trouble: Trouble | None) -> str | None:
        """Write what becomes of a job that is not done, None as trouble gives it back; return its outcome.

        None where it belongs to another worker by now.
        """
        async with self._works.begin(claimed.tenant_id, SYSTEM, request=claimed.request) as work:
            now = await database_now(work.link, self._works.clock)
            key = {"job": claimed.id, "token": claimed.token, "finished_at": now, "now": now}
            asked = await fetch(work.link, statements.asked, key)
            if not asked:
                return None
            if asked[0][0] and (trouble is None or trouble.kind != "crash"):
                trouble = CANCELLED
            ending = ending_of(claimed, trouble, JOBS.get(claimed.name), now)
            crashed = trouble is not None and trouble.kind == "crash"
            if not await run(work.link, statements.end, key | ending.values(), crashed):
                return None  # its worker has been heard of again
            if trouble is not None:
                await self._outcomes.tell(work, claimed, trouble, final=ending.final)
            work.announced = not ending.final
            return ending.outcome

    # ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _beat(self) -> None:
        """Make the leases of what runs here last longer, in one statement, and hear what is not wanted any more."""
        if not self._running:
            return
        link = await self._works.database.acquire(write=True)
        try:
            until = await database_now(link, self._works.clock) + self._lease
            await run(link, statements.beat, {"worker": self.worker_id, "until": until})
            unwanted = {row[0] for row in await fetch(link, statements.unwanted, {"worker": self.worker_id})}
            await link.commit()
        finally:
            await link.close()
        for each in self._running.values():
            each.cancelled = each.cancelled or each.claimed.id in unwanted

    async def _rescue(self) -> None:
        """Take from workers that were not heard of what they ran; one more crash of the same job may be its last."""
        link = await self._works.database.acquire(write=False)
        try:
            now = await database_now(link, self._works.clock)
            late = [Claimed(*row) for row in await fetch(link, statements.lost, {"now": now})]
        finally:
            await link.close()
        for each in late:
            outcome = await self._settle(each, Trouble("crash", "WorkerLost", "The worker was not heard of any more."))
            if outcome is not None:
                log.warning("job.rescued", job=each.name, request_id=str(each.id), outcome=outcome)
                self._seen.ran(each.name, "crashed", 0.0)
