"""What the tests of identity share."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest
from processes import Servers, Sites

from callers import Caller, add_caller
from clients import client_of
from holdfast.kernel.clock import system_clock
from holdfast.main import Installation, open_installation
from support import PASSWORD, Org


@dataclass
class Hands:
    """A clock that can be put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture(scope="session")
def clock() -> Hands:
    return Hands()


@pytest.fixture
def hands(clock: Hands) -> Hands:
    """The clock of `timed`, set right before each test."""
    clock.ahead = timedelta()
    return clock


@pytest.fixture(scope="session")
async def processes(clock: Hands) -> AsyncIterator[Callable[[Installation], Installation]]:
    """Give a process beside each installation: to open one a test would take half of its time."""
    made: dict[int, tuple[Installation, Installation]] = {}

    def beside(home: Installation) -> Installation:
        if id(home) not in made:
            # A small pool: it stays open, and the server has a hundred connections for all.
            settings = home.settings.model_copy(update={"rate_limit_enabled": False, "pool_size": 5})
            made[id(home)] = home, open_installation(settings, clock=clock)
        return made[id(home)][1]

    yield beside
    for _, process in made.values():
        await process.close()


@pytest.fixture
def timed(home: Installation, hands: Hands, processes: Callable[[Installation], Installation]) -> Installation:
    """Another process of the installation: a clock of its own, no rate limits."""
    return processes(home)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of `servers` with one worker process and with four, those marked `served` in the test's own too."""
    if "workers" in metafunc.fixturenames:
        metafunc.parametrize("workers", [1, 4], ids=["1-worker", "4-workers"])
    elif "reach" in metafunc.fixturenames and metafunc.definition.get_closest_marker("served"):
        metafunc.parametrize("reach", [0, 1, 4], ids=["in-process", "1-worker", "4-workers"], indirect=True)


@pytest.fixture
def reach(request: pytest.FixtureRequest) -> int:
    """How many worker processes answer; 0: the application is called in the test's own process."""
    return getattr(request, "param", 0)


@pytest.fixture
async def client(home: Installation, timed: Installation, sites: Sites, reach: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application; where several processes serve it, each request goes to the next one."""
    if reach:
        yield (await sites.get(home, reach)).client()
        return
    async with client_of(timed) as made:
        yield made


@pytest.fixture
async def ann(org: Org) -> Caller:
    """An administrator with the password of the tests, and a user name."""
    return await add_caller(org, "Admin", password=PASSWORD, username="ann.other")


def at(home: Installation, org: Org) -> Org:
    """Return the organisation as another process knows it."""
    return replace(org, home=home)


@pytest.fixture(scope="session")
async def sites(homes: object) -> AsyncIterator[Sites]:
    async with Sites.all() as made:
        yield made


@pytest.fixture
async def servers(home: Installation, sites: Sites, workers: int) -> Servers:
    """The served program with one worker process and with four."""
    return (await sites.get(home, workers)).servers()
