"""How an attempt at a job ends: what went wrong, and whether it is worth another one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from holdfast.kernel.errors import HoldfastError, Unavailable
from holdfast.kernel.jobs.declaration import Job
from holdfast.kernel.jobs.running import CancelAsked, Claimed
from holdfast.kernel.jobs.tables import JobState
from holdfast.kernel.telemetry import redact
from holdfast.kernel.work import Work

Kind = Literal["error", "refused", "unavailable", "timeout", "crash", "cancelled"]
CRASHES = 3  # a job that takes its worker down is not tried for ever
UNAVAILABLE_TRIES = 20
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 3600.0  # seconds
LONGEST_MESSAGE = 500
_HOPELESS = frozenset({400, 401, 403, 404, 410, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong in one attempt; the message is trimmed and holds no secret."""

    kind: Kind
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a job after an attempt that did not do it."""

    state: JobState
    run_at: datetime
    failures: int
    crashes: int
    outcome: str

    @property
    def final(self) -> bool:
        """Tell whether no attempt follows."""
        return self.state is not JobState.READY

    def values(self) -> dict[str, object]:
        """Return what is written of it."""
        told: dict[str, object] = {name: getattr(self, name) for name in ("state", "run_at", "failures", "crashes")}
        return {**told, "cancel_asked": False}


class Outcomes(Protocol):
    """Port filled by the slice of jobs: keeps what went wrong, and writes final failures into the trail."""

    async def tell(self, work: Work, claimed: Claimed, trouble: Trouble, *, final: bool) -> None:
        """Note the trouble in this unit of work, which ends the attempt."""
        ...


class Observer(Protocol):
    """Counts what waits and what ran, for metrics."""

    def queued(self, counts: Mapping[str, int], lag: float) -> None:
        """Note how many jobs are in each state, and how long one that is due has waited at most, in seconds."""
        ...

    def waited(self, name: str, seconds: float) -> None:
        """Note how long after it was due an attempt began."""
        ...

    def ran(self, name: str, outcome: str, seconds: float) -> None:
        """Count one attempt."""
        ...


CANCELLED = Trouble("cancelled", "CancelAsked", "")


def trouble_of(error: BaseException) -> Trouble:
    """Return what a handler's error comes to."""
    name = type(error).__name__
    if isinstance(error, CancelAsked):
        return CANCELLED
    if isinstance(error, HoldfastError):
        hopeless: Kind = "refused" if error.status in _HOPELESS else "error"
        kind: Kind = "unavailable" if isinstance(error, Unavailable) else hopeless
        return Trouble(kind, error.code, _told(error.detail))
    if isinstance(error, TimeoutError):
        return Trouble("timeout", name, "It took longer than an attempt may take.")
    return Trouble("error", name, _told(str(error)))


def ending_of(claimed: Claimed, trouble: Trouble | None, job: Job | None, now: datetime) -> Ending:
    """Return what becomes of a job; None as trouble gives it back, as if it had not been begun."""
    failures, crashes = claimed.failures, claimed.crashes
    if trouble is None:
        return Ending(JobState.READY, claimed.run_at, failures, crashes, "given back")
    if trouble.kind == "cancelled":
        return Ending(JobState.CANCELLED, claimed.run_at, failures, crashes, "cancelled")
    if trouble.kind == "crash":
        crashes += 1
        again = crashes < CRASHES
    else:
        failures += 1
        tries = max(job.retries if job else 0, UNAVAILABLE_TRIES if trouble.kind == "unavailable" else 0)
        again = failures <= tries and trouble.kind != "refused"
    if not again:
        return Ending(JobState.FAILED, claimed.run_at, failures, crashes, "failed")
    # Full jitter: what failed together does not come back together.
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures + crashes - 1, 20))
    pause = timedelta(seconds=random.uniform(0, longest))  # noqa: S311  no secret
    return Ending(JobState.READY, now + pause, failures, crashes, "crashed" if trouble.kind == "crash" else "retried")


def _told(message: str) -> str:
    line = " ".join(message.split())[:LONGEST_MESSAGE]
    return str(redact(None, "", {"message": line})["message"])
