"""The page behind a link for a new password: its secret goes from the fragment into the form, and is sent nowhere else."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sites import Site, site_on
from visitors import People, watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
TOKEN = "hfl_" + "A" * 86


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with site_on("sqlite") as made:
        yield made


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_the_secret_of_the_link_is_in_the_form_and_in_no_request_line(browser, site, scripts):
    asked = []
    with People(browser, site).context(None, java_script_enabled=scripts) as context, watched(context) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"/console/reset-password#token={TOKEN}")
        code = page.get_by_label("Code of the link")
        if scripts:
            expect(page.locator("#field-token")).to_have_value(TOKEN)
            expect(code).to_be_hidden()
            expect(page).to_have_url(re.compile("/console/reset-password$"))
        else:
            code.fill(TOKEN)
        page.get_by_label("New password").fill("stone under the seventh bridge")
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("alert")).to_contain_text("ask for a new link")
        expect(page.locator("#field-token")).to_have_value(TOKEN)
        assert asked
        assert not [url for url in asked if TOKEN in url.partition("#")[0]]
