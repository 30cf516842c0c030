"""The pages of the API in Chromium: they ask nobody but us for anything."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOWN = {
    "/api/docs": "#swagger .opblock-tag",
    "/docs": "#swagger .opblock-tag",
    "/api/redoc": "#redoc [data-section-id]",
}


@pytest.mark.parametrize("path", SHOWN)
def test_the_pages_of_the_api_ask_nothing_of_the_internet(browser: Browser, site, path):
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    asked: set[str] = set()
    faults: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path, wait_until="networkidle")
    expect(page.locator(SHOWN[path]).first).to_be_visible()
    context.close()
    # What the browser makes in the page itself, a blob or data, has no host.
    assert asked - {""} == {urlsplit(site.url).netloc}
    assert not faults
