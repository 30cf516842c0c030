"""A job while it runs: its units of work, each committed only while it is still this worker's."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from holdfast.kernel.db import Json
from holdfast.kernel.engines import Write
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.statements import database_now, fetch, run
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.work import RequestInfo, Work, Works


class Claimed(NamedTuple):
    """A job as its worker knows it, in the order of the statement that claims it."""

    id: UUID
    tenant_id: UUID
    name: str
    ids: Json
    asked_by: UUID | None
    session_id: UUID | None
    run_at: datetime
    attempts: int
    failures: int
    crashes: int
    token: UUID
    progress_done: int | None
    progress_total: int | None
    unique_key: bytes | None

    @property
    def request(self) -> RequestInfo:
        """Return what entries and log lines name as the request that a job's work comes from."""
        return RequestInfo(request_id=str(self.id), method="JOB", path=self.name)


class Principals(Protocol):
    """Port filled by identity: who asked for a job, as they are now."""

    async def stand_for(self, work: Work, *, user_id: UUID, session_id: UUID | None) -> Actor | None:
        """Return the user with today's rights, None for one who may not act any more."""
        ...


class LeaseLost(Exception):
    """Another worker has the job by now: what was done in this unit of work is rolled back."""


class CancelAsked(Exception):
    """A person asked to cancel the job while it ran."""


class PrincipalGone(Forbidden):
    """Whoever asked for the job may not act in the organisation any more."""

    code, title = "JOB_PRINCIPAL_GONE", "Who asked for it may not act any more"


@dataclass(slots=True)
class Run:
    """One attempt at a job, for a handler that takes several units of work; `done` is where an earlier one stopped.

    What was committed by an earlier attempt stays: such a handler begins where the progress says, or finds out.
    """

    works: Works
    principals: Principals
    claimed: Claimed
    lease: timedelta
    cancelled: bool = False
    done: int | None = None
    total: int | None = None
    together: bool = False  # whether it is short, by what is known, and may be committed with others
    held: float = 0.0  # seconds for which the last unit of work was open
    _open: bool = False

    @asynccontextmanager
    async def begin(self, *, last: bool = False) -> AsyncIterator[Work]:
        """Open a unit of work of whoever asked for the job; it is committed only while the job is still ours.

        The `last` one ends the job in the same commit. Raises PrincipalGone, LeaseLost, and CancelAsked from the last.
        """
        claimed = self.claimed
        write: Write = "together" if last and self.together else True
        async with self.works.begin(claimed.tenant_id, SYSTEM, write=write, request=claimed.request) as work:
            if claimed.asked_by is not None:
                actor = await self.principals.stand_for(work, user_id=claimed.asked_by, session_id=claimed.session_id)
                if actor is None:
                    raise PrincipalGone
                work.act_as(actor)
            self._open = True
            began = time.perf_counter()
            try:
                yield work
            finally:
                self._open = False
                self.held = time.perf_counter() - began
            await work.flush()
            await (self.finish(work) if last else self._hold(work))

    async def progress(self, done: int, total: int | None = None) -> None:
        """Tell how far the job is: written with the unit of work in hand, or at once where there is none."""
        self.done, self.total = done, total if total is not None else self.total
        if not self._open:
            async with self.works.begin(self.claimed.tenant_id, SYSTEM, request=self.claimed.request) as work:
                await self._hold(work)

    async def _hold(self, work: Work) -> None:
        until = await database_now(work.link, self.works.clock) + self.lease
        told = {"until": until, "progress_done": self.done, "progress_total": self.total}
        if not await run(work.link, statements.hold, self._key | told):
            raise LeaseLost
        self.cancelled = (await fetch(work.link, statements.asked, self._key))[0][0]

    async def finish(self, work: Work) -> None:
        """Say in this unit of work that the job is done; raise LeaseLost or CancelAsked where it is not to be."""
        if not await run(work.link, statements.finish, self._key | {"finished_at": self.works.clock()}):
            raise CancelAsked if await fetch(work.link, statements.asked, self._key) else LeaseLost

    @property
    def _key(self) -> dict[str, object]:
        return {"job": self.claimed.id, "token": self.claimed.token}
