"""Enqueuing: a row in the transaction of whoever asks; workers are woken once that is committed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from holdfast.kernel.clock import Clock
from holdfast.kernel.db import canonical
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.declaration import Job, Priority
from holdfast.kernel.jobs.statements import fetch, run
from holdfast.kernel.jobs.waking import Waker
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True)
class JobQueue:
    """Fills the port `Queue` of units of work with the table `job`."""

    clock: Clock
    waker: Waker

    async def put(
        self,
        work: Work,
        job: object,
        ids: Mapping[str, object],
        *,
        unique: str | None,
        delay: timedelta,
        priority: int | None,
        as_system: bool,
    ) -> UUID:
        """Insert a job and return its id, that of the waiting one where `unique` says that they are the same.

        Raises TypeError for ids that the job does not take, and Forbidden for an operator with emergency access, who
        leaves nothing to be done after it has ended.
        """
        assert isinstance(job, Job)
        actor = work.actor
        if actor.kind == "operator" and not as_system:
            raise Forbidden("Emergency access ends with its session: it leaves no work to be done later.")
        job_id = work.new_id()
        row = {"id": job_id, **self._row(work, work.tenant_id, job, ids=ids, unique=unique, delay=delay)}
        if actor.kind == "user" and not as_system:
            row |= {"asked_by": actor.id, "session_id": actor.session_id}
        if priority is not None:
            row["priority"] = Priority(priority)
        work.announced = True
        if unique is None:
            await run(work.link, statements.enqueue, row)
            return job_id
        while True:
            await run(work.link, statements.enqueue_unless_there, row)
            found = await fetch(work.link, statements.waiting, row)
            if found:  # else a worker has just begun with the one that was there, so that another is due
                waiting_id: UUID = found[0][0]
                return waiting_id

    async def put_for(self, work: Work, tenants: Iterable[UUID], job: Job, *, unique: str) -> None:
        """Insert a job of the system's for each tenant in which none with the same `unique` waits."""
        for tenant_id in tenants:
            made = self._row(work, tenant_id, job, ids={}, unique=unique, delay=timedelta(0))
            row = {"id": work.new_id(), **made}
            await run(work.link, statements.enqueue_unless_there, row)
        work.announced = True

    def _row(
        self, work: Work, tenant_id: UUID, job: Job, *, ids: Mapping[str, object], unique: str | None, delay: timedelta
    ) -> dict[str, object]:
        return {
            "tenant_id": tenant_id,
            "name": job.name,
            "ids": job.written(ids),
            "priority": job.priority,
            "asked_by": None,
            "session_id": None,
            "unique_key": None if unique is None else _key(job.name, unique),
            "created_at": work.now(),
            "delay": statements.soon(work.link.dialect, self.clock, delay),
        }

    def committed(self) -> None:
        """Wake the workers: jobs are in the database."""
        self.waker.wake()


def _key(name: str, unique: str) -> bytes:
    return hashlib.sha256(canonical([name, unique])).digest()
