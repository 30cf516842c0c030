"""What the contract tests share."""

import random
from collections.abc import AsyncIterator

import httpx
import pytest
from operations import Stage
from rows import owner_database

from holdfast.kernel.engines import Database
from holdfast.main import create_app


def address() -> tuple[str, int]:
    """Return a client address that no other test counts against."""
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}", 40000


@pytest.fixture
async def client(home) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(home.settings, home), client=address())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
        yield made


@pytest.fixture
async def owner(home) -> AsyncIterator[Database]:
    async with owner_database(home.settings) as database:
        yield database


@pytest.fixture
async def stage(client, org) -> Stage:
    return Stage(client, org)
