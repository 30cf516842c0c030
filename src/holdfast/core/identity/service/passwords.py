"""Argon2id in a bounded pool: never on the event loop, never more at once than there are cores (RFC 9106).

bcrypt hashes, which older systems leave, are verified and nothing more: who signs in with one gets a new one.
"""

import asyncio
import functools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from holdfast.kernel.errors import Unavailable
from holdfast.kernel.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

WAITING_PER_CORE = 16
NICENESS = 10
BCRYPT = ("$2a$", "$2b$", "$2y$")
BCRYPT_BYTES = 72  # bcrypt reads no more, and older systems cut the rest off without a word


def _step_back() -> None:
    """Let the event loop and the database go first: a flood of sign-ins must not slow down who is signed in.

    Only Linux gives a thread a priority of its own.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Passwords:
    """Hashes and verifies passwords; refuses with Unavailable when too many wait."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="argon2", initializer=_step_back)
        self._room = cores * WAITING_PER_CORE
        self._waiting = 0
        # Verified when no user matches, so that the answer takes as long as for a known one.
        self._decoy = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """Return the PHC string of a password."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password matches; without a stored hash a decoy is verified and the answer is no."""
        return await self._run(self._matches, stored or self._decoy, password) and stored is not None

    def outdated(self, stored: str) -> bool:
        """Tell whether the hash was made in another way or at another cost than the settings ask for."""
        return stored.startswith(BCRYPT) or self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Stop the pool."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            if stored.startswith(BCRYPT):
                return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], stored.encode())
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, ValueError):
            return False

    async def _run(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        if self._waiting >= self._room:
            raise Unavailable("Too many sign-ins wait for their turn.", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, functools.partial(function, *arguments, **named)
            )
        finally:
            self._waiting -= 1
