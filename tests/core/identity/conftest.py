"""What the tests of identity share."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest

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
