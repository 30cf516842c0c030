"""In a demonstration a person reads the mails at /dev/mail: accepts an invitation there, and sets a new password."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Page, expect
from sites import Site, site_on
from visitors import People, axe, sign_in, watched

from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import open_installation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
EMAIL = "newcomer@demo.test"
FIRST, SECOND = "stone under the seventh bridge", "bridge over the seventh stone"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with site_on("sqlite", DEMO="true", JOBS_IN_SERVER="true") as made:
        yield made


async def ask_for_sending(site: Site) -> None:
    """Let the server's workers send now what they would send within the minute."""
    home = open_installation(site.settings)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await work.enqueue(JOBS["notify.message.send_due"])
    await home.close()


def open_mail(page: Page, site: Site, subject: str) -> None:
    """Find the mail of this subject to the newcomer, once it was sent, and open it."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask_for_sending(site)).result()
    found = page.get_by_role("link", name=re.compile(subject))
    for _ in range(100):
        page.goto("/dev/mail")
        page.get_by_label("Address").fill(EMAIL)
        page.get_by_role("button", name="Search").click()
        if found.count():
            break
        page.wait_for_timeout(100)
    expect(found).to_have_count(1)
    expect(page.get_by_role("row")).to_have_count(page.get_by_text(EMAIL, exact=True).count() + 1)
    found.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(subject))


def choose(page: Page, label: str, password: str) -> None:
    page.get_by_label(label).fill(password)
    page.get_by_role("main").get_by_role("button").first.click()


def test_an_invitation_is_accepted_and_a_password_renewed(browser, site: Site) -> None:
    user = {"email": EMAIL, "name": "New Comer", "roles": ["Viewer"]}
    made = httpx.post(f"{site.url}/api/v1/users", json=user, headers=site.org.admin.bearer, timeout=30)
    assert made.status_code == 201, made.text
    with People(browser, site).context(None) as context, watched(context) as page:
        open_mail(page, site, "Your account at")
        page.get_by_role("region", name="Text").get_by_role("link").click()
        expect(page).to_have_url(re.compile("/console/invitation"))
        choose(page, "Password", FIRST)
        expect(page).to_have_url(re.compile("/console/sign-in"))
        sign_in(page, EMAIL, FIRST)
        expect(page).to_have_url(re.compile("/console$"))
        page.goto("/console/account")
        page.get_by_text("Your account:").locator("xpath=ancestor::summary").click()
        page.get_by_role("button", name="Sign out").first.click()

        page.goto("/console/sign-in")
        page.get_by_role("link", name="Forgotten password").click()
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_role("main").get_by_role("button").first.click()
        open_mail(page, site, "A new password for")
        with page.expect_popup() as opened:
            page.frame_locator("iframe").get_by_role("link", name="Open the link").click()
        choose(opened.value, "New password", SECOND)
        expect(opened.value).to_have_url(re.compile("/console/sign-in"))
        sign_in(page, EMAIL, SECOND)
        expect(page).to_have_url(re.compile("/console$"))
    with People(browser, site).context(None, bypass_csp=True) as context:
        page = context.new_page()
        page.goto("/dev/mail")
        assert axe(page) == []
        page.get_by_role("link", name=re.compile("A new password")).click()
        assert axe(page) == []
        page.frame_locator("iframe").get_by_role("link", name="Open the link").wait_for()
