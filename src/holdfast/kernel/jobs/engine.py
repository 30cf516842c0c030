"""The engine: claims jobs, runs them, keeps their leases, and sees to those whose worker has died."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from holdfast.kernel.errors import HoldfastError, Unavailable
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.claiming import Room, Turn, claim, padded
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
SHORT_SECONDS = 0.02
TOGETHER = 4
STALLED_SECONDS = 120.0  # longer than any step takes
OUT_OF_REACH_SECONDS = 2.0

GONE = Trouble("crash", "WorkerLost", "The worker was not heard of any more.")

log = structlog.get_logger("holdfast.jobs")


class Engine(Protocol):
    """What runs jobs: this process itself, or a bridge to another system that does."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self, seconds: float) -> None:
        """Claim nothing more, finish what runs within the time, and give the rest back."""
        ...

    def alive(self) -> bool:
        """Tell whether everything that it does again and again is still being done."""
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
        self._turn = Turn()
        self._one_by_one = works.database.dialect == "sqlite"  # it has one writer
        # Short jobs take turns there: as many as share a commit fit where one other runs.
        self._each = TOGETHER if self._one_by_one else 1
        self._slots = settings.jobs_concurrency * self._each
        self._poll = settings.jobs_poll_seconds
        self._lease = timedelta(seconds=settings.jobs_lease_seconds)
        self._running: dict[asyncio.Task[None], Run] = {}
        self._short: set[str] = set()  # jobs whose last attempt was: it keeps nobody waiting who is committed with it
        self._looking: list[asyncio.Task[None]] = []
        self._loops: list[asyncio.Task[None]] = []
        self._due_by: dict[str, float] = {}  # when the next round of each loop has to have begun, however slow it is
        self._more = False
        self._gathering: asyncio.TimerHandle | None = None
        self._closing = False

    def start(self) -> None:
        """Claim, keep leases and rescue, each in a task of its own; nothing of it while nothing may be changed."""
        if self._works.settings.read_only:
            log.warning("jobs.read_only")
            return
        self._waker.has_room = lambda: not self._closing and self._room().free >= self._each
        beat = self._lease.total_seconds() / 3
        self._looking = [asyncio.create_task(self._forever(self._look, 0, lambda: self._closing))]
        self._loops = [
            asyncio.create_task(self._forever(self._beat, beat)),
            asyncio.create_task(self._forever(self._rescue, min(beat, RESCUE_SECONDS))),
            asyncio.create_task(self._forever(self._keep_time, 0)),
        ]

    async def stop(self, seconds: float) -> None:
        """Claim nothing more, finish what runs within the time, and give the rest back."""
        self._closing = True
        self._waker.nudge()
        end = time.monotonic() + seconds
        for looking in self._looking:
            await asyncio.wait([looking], timeout=seconds)  # it may hold jobs that have not begun
            await ended(looking)
        if self._running:
            await asyncio.wait(self._running, timeout=max(0.0, end - time.monotonic()))
        for task, each in dict(self._running).items():
            try:
                await ended(task)
                await self._settle(each.claimed, None)
            except Exception as error:  # noqa: BLE001  the others are given back all the same; its lease ends
                log.warning("job.not_given_back", job=each.claimed.name, error=f"{type(error).__name__}: {error}")
        for loop in self._loops:
            await ended(loop)

    def alive(self) -> bool:
        """Tell whether everything that it does again and again is still being done."""
        now = time.monotonic()
        return not any(each.done() for each in (*self._looking, *self._loops)) and all(
            now < due_by for due_by in self._due_by.values()
        )

    async def _forever(
        self, step: Callable[[], Awaitable[None]], pause: float, over: Callable[[], bool] = lambda: False
    ) -> None:
        """Do a step again and again; what stops one is logged, and the next may go well."""
        while not over():
            self._due_by[step.__name__] = time.monotonic() + pause + STALLED_SECONDS
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
        if self._room().free < self._each or self._closing or not (woken or await self._is_due()):
            return
        works = self._works
        claimed, self._more = await claim(
            works.database, works.clock, self.worker_id, self._turn, self._room(), lease=self._lease
        )
        for each in claimed:
            self._seen.waited(each.name, max(0.0, (works.clock() - each.run_at).total_seconds()))
            self._begin(each)
        if self._room().free < self._each:
            self._waker.tell_others()

    def _room(self) -> Room:
        mine: Counter[UUID] = Counter()
        for each in self._running.values():
            mine[each.claimed.tenant_id] += 1 if each.together else self._each
        return Room(self._slots, self._slots - mine.total(), mine, self._each, self._short)

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
        job.together = self._one_by_one and claimed.name in self._short
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
        (self._short.add if attempt.held < SHORT_SECONDS else self._short.discard)(claimed.name)
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
            crashed = trouble is not None and trouble.kind == "crash"
            if asked[0][0]:
                trouble = CANCELLED
            ending = ending_of(claimed, trouble, JOBS.get(claimed.name), now)
            if not await run(work.link, statements.end, key | ending.values(), crashed):
                return None  # its worker has been heard of again
            if trouble is not None:
                await self._outcomes.tell(work, claimed, trouble, final=ending.final)
            work.announced = not ending.final
            return ending.outcome

    # ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _beat(self) -> None:
        """Make the leases of what runs here last longer, in one statement, and hear what is not wanted any more.

        Of nothing else that is under this worker's name: what it claimed without hearing of it, or could not settle,
        is to be rescued.
        """
        if not self._running:
            return
        ids = padded([each.claimed.id for each in self._running.values()])
        mine: dict[str, object] = {"worker": self.worker_id, **{f"id{at}": each for at, each in enumerate(ids)}}
        link = await self._works.database.acquire(write=True)
        try:
            mine["until"] = await database_now(link, self._works.clock) + self._lease
            await run(link, statements.beat, mine, len(ids))
            unwanted = {row[0] for row in await fetch(link, statements.unwanted, mine, len(ids))}
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
        here = {(each.claimed.id, each.claimed.token) for each in self._running.values()}
        for each in late:
            if (each.id, each.token) in here:
                continue  # the clock was set, or this process slept: it runs, and the next beat says so
            try:
                outcome = await self._settle(each, GONE)
            except Unavailable:
                raise
            except Exception:
                log.exception("job.not_rescued", job=each.name, request_id=str(each.id))  # the others are, all the same
                continue
            if outcome is not None:
                log.warning("job.rescued", job=each.name, request_id=str(each.id), outcome=outcome)
                self._seen.ran(each.name, "crashed", 0.0)
