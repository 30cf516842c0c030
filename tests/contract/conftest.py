"""What the contract tests share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from operations import Stage

from callers import Caller, add_caller
from clients import client_of
from holdfast.kernel.engines import Database
from holdfast.main import Installation
from support import Org, make_org, owner_database


@pytest.fixture
async def client(home) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(home) as made:
        yield made


@pytest.fixture(scope="session")
async def owners() -> AsyncIterator[Callable[[Installation], Awaitable[Database]]]:
    """Give the database of an installation as the schema's owner opens it, opened once."""
    made: dict[int, tuple[Installation, Database]] = {}
    async with AsyncExitStack() as stack:

        async def owner(home: Installation) -> Database:
            if id(home) not in made:
                made[id(home)] = home, await stack.enter_async_context(owner_database(home.settings))
            return made[id(home)][1]

        yield owner


@pytest.fixture
async def owner(home, owners) -> Database:
    return await owners(home)


@pytest.fixture(scope="session")
def elsewhere() -> dict[int, tuple[Installation, Org]]:
    """Another organisation of each installation, for tests that do nothing there."""
    return {}


@pytest.fixture
async def stranger(home, elsewhere) -> Caller:
    """An administrator of another organisation, whom nobody else has sent requests as."""
    if id(home) not in elsewhere:
        elsewhere[id(home)] = home, await make_org(home)
    return await add_caller(elsewhere[id(home)][1], "Admin")


@pytest.fixture
async def stage(client, org) -> Stage:
    return Stage(client, org)
