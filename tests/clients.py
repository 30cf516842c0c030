"""A client of the whole application that no other test's requests count against."""

import random
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.types import ASGIApp

from holdfast.main import Installation, create_app

KEPT = 4
_applications: OrderedDict[int, tuple[Installation, ASGIApp]] = OrderedDict()


def application(home: Installation) -> ASGIApp:
    """Return the application of an installation, made once: its routes take a fifth of a second."""
    _, made = _applications.pop(id(home), (home, None))
    made = made or create_app(home.settings, home)
    _applications[id(home)] = home, made
    while len(_applications) > KEPT:
        _applications.popitem(last=False)
    return made


def address() -> tuple[str, int]:
    """Return a client address that no other test has."""
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}", 40000


@asynccontextmanager
async def client_of(home: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the installation's application, middleware included."""
    transport = httpx.ASGITransport(app=application(home), client=address())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
        yield made
