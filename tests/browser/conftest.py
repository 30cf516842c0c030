"""A browser, and a served installation with one organisation in it."""

import asyncio
import shutil
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, sync_playwright

from holdfast.core.identity.public import ensure_system
from holdfast.main import open_installation
from holdfast.migrations import run
from serving import Served, serve
from support import PASSWORD, REQUIRED, Org, fresh_database, make_org

T = TypeVar("T")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Site:
    """A served installation and the organisation that a test signs in to."""

    served: Served
    org: Org
    other: Org
    password: str = PASSWORD

    @property
    def url(self) -> str:
        return self.served.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if REQUIRED:
            pytest.fail("Chromium is not installed and REQUIRE_SERVICES=1 allows no skip")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield made
        made.close()


async def prepare(settings) -> tuple[Org, Org]:
    await run.upgrade(settings)
    home = open_installation(settings)
    await ensure_system(home.works)
    made = await make_org(home, password=True), await make_org(home, password=True)
    await home.close()
    return made


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Serve on SQLite; our loop has a thread of its own, because Playwright's runs in this one all the time."""
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()

        def await_(coroutine: Coroutine[Any, Any, T]) -> T:
            return thread.submit(runner.run, coroutine).result()

        database = fresh_database("sqlite")
        settings = await_(database.__aenter__())
        try:
            org, other = await_(prepare(settings))
            with serve(settings) as served:
                yield Site(served, org, other)
        finally:
            await_(database.__aexit__(None, None, None))
            thread.submit(runner.close).result()
