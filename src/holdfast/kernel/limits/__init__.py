"""Rate limits by GCRA (the leaky bucket as a meter, ITU-T I.371): one time stamp for each caller and limit.

A limit of `rate` in `per_seconds` with a `burst` lets `burst` requests pass at once and refills evenly. Its state is
the "theoretical arrival time" `tat`: the moment at which the bucket is full again, in microseconds since 1970. What
processes share is counted by the stores of `holdfast.kernel.limits.throttle`.
"""

import heapq
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from holdfast.kernel.errors import ConfigurationError, RateLimited

SECOND = 1_000_000
MEMORY_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds, up to `burst` of them at once (default: all of them).

    In its first `per_seconds` a caller who waits for nothing gets burst + rate. A `shared` limit is counted where all
    processes see it.
    """

    name: str
    rate: int
    per_seconds: int = 60
    burst: int = 0
    shared: bool = False

    def __post_init__(self) -> None:
        if self.rate < 1 or self.per_seconds < 1 or self.burst < 0:
            raise ConfigurationError(f"The rate limit {self.name} must allow at least one request.")

    @property
    def interval(self) -> int:
        """Return the microseconds after which one more request is allowed."""
        return self.per_seconds * SECOND // self.rate

    @property
    def tolerance(self) -> int:
        """Return how far the arrival time may lie ahead: the burst, in microseconds."""
        return self.interval * (self.burst or self.rate)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may pass; times in seconds, `retry_after` is 0 where it may."""

    allowed: bool
    limit: Limit
    remaining: int
    reset_after: float
    retry_after: float

    def headers(self) -> dict[str, str]:
        """Return RateLimit, RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11) and, if refused, Retry-After."""
        name, limit = self.limit.name, self.limit
        result = {
            "RateLimit-Policy": f'"{name}";q={limit.rate};w={limit.per_seconds}',
            "RateLimit": f'"{name}";r={self.remaining};t={_whole(self.reset_after)}',
        }
        if not self.allowed:
            result["Retry-After"] = str(max(1, _whole(self.retry_after)))
        return result

    def refusal(self) -> RateLimited:
        """Return the error of a refused request."""
        seconds = max(1, _whole(self.retry_after))
        return RateLimited(f"Too many requests. Try again in {seconds} s.", headers=self.headers())


SENSITIVE_ACCOUNT = Limit("sensitive-account", 10, shared=True)
SENSITIVE_ADDRESS = Limit("sensitive-address", 30, shared=True)
CONSOLE = Limit("console", 600)


def api_limit(per_minute: int) -> Limit:
    """Return the limit of one API credential (RATE_LIMIT_PER_MINUTE)."""
    return Limit("api", per_minute)


def address_limit(per_minute: int) -> Limit:
    """Return the limit of one address for requests without a valid credential."""
    return Limit("address", per_minute)


class Store(Protocol):
    """Where arrival times are kept. One `take` is atomic: no two callers use the same allowance."""

    async def take(self, key: bytes, limit: Limit, cost: int) -> Decision:
        """Use `cost` of the key's allowance if it is there."""
        ...

    async def close(self) -> None:
        """Give back what the store holds open."""
        ...


class Limiter:
    """The one entrance: counts a request against a limit, in the store that the limit asks for.

    `secret` keys the hashes of what is counted, so that a stolen table does not tell addresses. `on_refused` is called
    with the name of the limit at each refusal. When `enabled` is false everything passes.
    """

    def __init__(
        self,
        *,
        local: Store,
        shared: Store,
        secret: bytes = b"",
        enabled: bool = True,
        on_refused: Callable[[str], object] | None = None,
    ) -> None:
        self._local, self._shared = local, shared
        self._secret = secret
        self._enabled = enabled
        self._on_refused = on_refused

    async def check(self, key: str, limit: Limit, *, cost: int = 1) -> Decision:
        """Count a request of `key` (an account, a credential, an address) as `cost` requests; the caller refuses it.

        A shared limit writes in a transaction of its own: not to be called by who holds a writing link.
        """
        if not self._enabled:
            return Decision(allowed=True, limit=limit, remaining=limit.rate, reset_after=0.0, retry_after=0.0)
        if cost < 1 or cost * limit.interval > limit.tolerance:
            raise ValueError(f"A cost of {cost} can never pass the limit {limit.name}.")
        digest = hmac.digest(self._secret, f"{limit.name}\0{key}".encode("utf-8", "surrogatepass"), "sha256")
        store = self._shared if limit.shared else self._local
        decision = await store.take(digest, limit, cost)
        if not decision.allowed and self._on_refused is not None:
            self._on_refused(limit.name)
        return decision

    async def require(self, *counted: tuple[str, Limit], cost: int = 1) -> Decision:
        """Count a request against each (key, limit) in order and return the tightest decision; raise RateLimited.

        A cost beyond a whole limit counts as all of it.

        The first refusal ends it: put the address before the account, so that a stranger who has used up his
        address cannot use up somebody's account.
        """
        tightest: Decision | None = None
        for key, limit in counted:
            decision = await self.check(key, limit, cost=min(cost, limit.rate))
            if not decision.allowed:
                raise decision.refusal()
            if tightest is None or decision.remaining < tightest.remaining:
                tightest = decision
        if tightest is None:
            raise ValueError("No limit was named.")
        return tightest

    async def close(self) -> None:
        """Close what the stores hold open."""
        for store in {self._local, self._shared}:
            await store.close()


class MemoryStore:
    """Arrival times in this process: at most `keys` of them, those next to expire go first."""

    def __init__(self, *, keys: int = MEMORY_KEYS, clock: Callable[[], int] | None = None) -> None:
        self._times: dict[bytes, int] = {}
        self._keys = keys
        self._clock = clock or microseconds

    async def take(self, key: bytes, limit: Limit, cost: int) -> Decision:
        """Use `cost` of the key's allowance if it is there."""
        now = self._clock()
        decision, tat = decide(limit, cost, now, self._times.get(key, 0))
        if decision.allowed:
            if key not in self._times and len(self._times) >= self._keys:
                self._make_room(now)
            self._times[key] = tat
        return decision

    async def close(self) -> None:
        """Do nothing: there is nothing open."""

    def _make_room(self, now: int) -> None:
        self._times = {key: tat for key, tat in self._times.items() if tat > now}
        surplus = len(self._times) - self._keys * 9 // 10
        if surplus > 0:
            for key in heapq.nsmallest(surplus, self._times, key=self._times.__getitem__):
                del self._times[key]


def microseconds() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


def decide(limit: Limit, cost: int, now: int, tat: int) -> tuple[Decision, int]:
    """Return the decision on a request of that cost, and the arrival time after it; cost 0 only tells the state."""
    start = max(tat, now)
    after = start + cost * limit.interval
    allowed = after - now <= limit.tolerance
    final = after if allowed else start
    return (
        Decision(
            allowed=allowed,
            limit=limit,
            remaining=max(0, limit.tolerance - (final - now)) // limit.interval,
            reset_after=(final - now) / SECOND,
            retry_after=0.0 if allowed else (after - now - limit.tolerance) / SECOND,
        ),
        final,
    )


def _whole(seconds: float) -> int:
    return int(-(-seconds // 1))
