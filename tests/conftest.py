"""Real databases for the tests: one of each kind a worker process, made by the migrations, and a tenant a test."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from clients import application
from holdfast.main import Installation
from support import Org, installation_on, make_org

# How fast examples come says something of the machine, nothing of the code.
hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")


# As the server does: what the imports have made is not looked through again and again.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 10)


@pytest.fixture(scope="session")
async def homes() -> AsyncIterator[Callable[[str], Awaitable[Installation]]]:
    """Give the installation on a database, made when first asked for."""
    made: dict[str, Installation] = {}
    lock = asyncio.Lock()
    stack = []

    async def home(dialect: str) -> Installation:
        async with lock:
            if dialect not in made:
                context = installation_on(dialect)
                made[dialect] = await context.__aenter__()
                stack.append(context)
            return made[dialect]

    yield home
    for context in reversed(stack):
        await context.__aexit__(None, None, None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of `home` on SQLite and PostgreSQL, those marked `portable` on MariaDB too, `only` on what it names."""
    if "dialect" in metafunc.fixturenames:
        portable = metafunc.definition.get_closest_marker("portable") is not None
        only = metafunc.definition.get_closest_marker("only")
        metafunc.parametrize("dialect", only.args if only else ["sqlite", "postgresql", *(["mysql"] * portable)])


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def home(homes: Callable[[str], Awaitable[Installation]], dialect: str) -> Installation:
    return await homes(dialect)


@pytest.fixture
async def org(home: Installation) -> Org:
    return await make_org(home)


@pytest.fixture
async def other(home: Installation) -> Org:
    return await make_org(home)


@pytest.fixture
async def client(home: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole ASGI application, middleware included."""
    transport = httpx.ASGITransport(app=application(home))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
        yield made


KINDS = {"unit", "service", "endpoint", "portable", "browser", "crash"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that does not say of which kind it is: whoever chooses by mark would never run it."""
    bare = {item.path.name for item in items if not KINDS & {mark.name for mark in item.iter_markers()}}
    if bare:
        raise pytest.UsageError(f"tests without any of the marks {', '.join(sorted(KINDS))}: {', '.join(sorted(bare))}")


# Files whose tests share what is slow to make: they run in one process, one after the other.
SHARING = (
    "tests/browser/",
    "tests/cli/test_installation.py",
    "tests/contract/test_openapi.py",
    "tests/contract/test_walk.py",
    "tests/docs/test_contributing.py",
    "tests/docs/test_guides.py",
    "tests/docs/test_reference.py",
)
SERVED = re.compile(r"\[(?=.*\b([14]-workers?)\b)(?=.*\b(sqlite|postgresql|mysql)\b)")


class Together(LoadScopeScheduling):
    """Gives each test to whichever process is free, but keeps those together that share what is slow to make."""

    def _split_scope(self, nodeid: str) -> str:
        served = SERVED.search(nodeid)
        if served:
            return f"served {served[1]} {served[2]}"
        return nodeid.partition("::")[0] if nodeid.startswith(SHARING) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    return Together(config, log)
