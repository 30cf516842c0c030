"""Real databases for the tests: one of each kind a worker process, made by the migrations, and a tenant a test."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import hypothesis
import pytest

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
    """Run tests of `home` on SQLite and PostgreSQL, those marked `portable` on MariaDB too."""
    if "dialect" in metafunc.fixturenames:
        portable = metafunc.definition.get_closest_marker("portable") is not None
        metafunc.parametrize("dialect", ["sqlite", "postgresql", *(["mysql"] if portable else [])])


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
    for item in items:
        group = _group(item)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item) -> str | None:
    """Return with which tests one runs in the same process: those that share what is slow to make."""
    if not isinstance(item, pytest.Function):
        return None
    chosen = item.callspec.params if hasattr(item, "callspec") else {}
    workers = chosen.get("workers") or chosen.get("reach")
    if workers and "dialect" in chosen:
        return f"served-{chosen['dialect']}-{workers}"
    of_the_file = {each.scope for made in item._fixtureinfo.name2fixturedefs.values() for each in made[-1:]}
    return item.path.stem if "module" in of_the_file else None
