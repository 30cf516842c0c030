"""A served installation with two organisations in it, on a database of its own."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from holdfast.core.identity.public import ensure_system
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from holdfast.migrations import run
from serving import Served, serve
from support import PASSWORD, Org, fresh_database, make_org

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """A served installation and the organisation that a test signs in to."""

    served: Served
    org: Org
    other: Org
    settings: Settings
    password: str = PASSWORD

    @property
    def url(self) -> str:
        return self.served.url


async def prepare(settings) -> tuple[Org, Org]:
    await run.upgrade(settings)
    home = open_installation(settings)
    await ensure_system(home.works)
    made = await make_org(home, password=True), await make_org(home, password=True)
    await home.close()
    return made


@contextmanager
def site_on(dialect: str, **more: str) -> Iterator[Site]:
    """Serve on a database, with `more` variables; our loop has a thread of its own, because Playwright's runs in this one all the time."""
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()

        def await_(coroutine: Coroutine[Any, Any, T]) -> T:
            return thread.submit(runner.run, coroutine).result()

        database = fresh_database(dialect)
        settings = await_(database.__aenter__())
        try:
            org, other = await_(prepare(settings))
            with serve(settings, **more) as served:
                yield Site(served, org, other, settings)
        finally:
            await_(database.__aexit__(None, None, None))
            thread.submit(runner.close).result()
