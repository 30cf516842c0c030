"""What the contract tests share."""

from collections.abc import AsyncIterator

import httpx
import pytest
from operations import Stage

from clients import client_of
from holdfast.kernel.engines import Database
from support import owner_database


@pytest.fixture
async def client(home) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(home) as made:
        yield made


@pytest.fixture
async def owner(home) -> AsyncIterator[Database]:
    async with owner_database(home.settings) as database:
        yield database


@pytest.fixture
async def stage(client, org) -> Stage:
    return Stage(client, org)
