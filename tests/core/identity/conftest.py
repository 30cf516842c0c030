"""What the tests of identity share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest
from processes import PROCESSES, Servers

from callers import Caller, add_caller
from clients import client_of
from holdfast.kernel.clock import system_clock
from holdfast.main import Installation, open_installation
from serving import serve
from support import PASSWORD, Org


@dataclass
class Hands:
    """A clock that can be put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def timed(home: Installation, hands: Hands) -> AsyncIterator[Installation]:
    """Another process of the installation: a clock of its own, no rate limits."""
    settings = home.settings.model_copy(update={"rate_limit_enabled": False})
    made = open_installation(settings, clock=hands)
    yield made
    await made.close()


@pytest.fixture
async def client(timed: Installation) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(timed) as made:
        yield made


@pytest.fixture
async def ann(org: Org) -> Caller:
    """An administrator with the password of the tests, and a user name."""
    return await add_caller(org, "Admin", password=PASSWORD, username="ann.other")


def at(home: Installation, org: Org) -> Org:
    """Return the organisation as another process knows it."""
    return replace(org, home=home)


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[Installation], list[str]]]:
    """Give the addresses of an installation's processes, which run until the module's tests are over."""
    running: dict[str, list[str]] = {}
    with ExitStack() as stack, ThreadPoolExecutor(PROCESSES) as pool:

        def addresses(home: Installation) -> list[str]:
            if home.database.dialect not in running:
                contexts = [serve(home.settings, RATE_LIMIT_ENABLED="false", POOL_SIZE="5") for _ in range(PROCESSES)]
                # Entered at once: each waits until its server is ready.
                entered = list(pool.map(lambda context: context.__enter__(), contexts))
                for context in contexts:
                    stack.push(context)
                running[home.database.dialect] = [served.url for served in entered]
            return running[home.database.dialect]

        yield addresses


@pytest.fixture
async def servers(home, start) -> AsyncIterator[Servers]:
    urls = await asyncio.to_thread(start, home)
    async with AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=url, timeout=30) for url in urls]
        yield Servers([await stack.enter_async_context(client) for client in clients])
