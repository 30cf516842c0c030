"""One's inbox in Chromium: what was not read is seen everywhere, opened and marked; no page breaks a rule of axe."""

import re

import pytest
from playwright.sync_api import expect
from visitors import People, axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SUBJECT = re.compile("A new sign-in to")


@pytest.fixture(scope="module")
def people(browser, site) -> People:
    return People(browser, site)


@pytest.mark.parametrize(
    ("scripts", "role"), [(True, "user"), (False, "viewer")], ids=["scripts", "without JavaScript"]
)
def test_what_was_told_is_seen_opened_and_marked(people, scripts, role):
    with people.tab(role, java_script_enabled=scripts) as page:  # whoever signs in from somewhere new is told so
        page.goto("/console")
        entry = page.get_by_role("navigation", name="Main").get_by_role("link", name="Inbox")
        expect(entry).to_contain_text("1 not read")
        entry.click()
        message = page.get_by_role("article").filter(has=page.get_by_role("heading", name=SUBJECT))
        expect(message).to_contain_text("New")
        message.get_by_role("button", name="Open").click()
        expect(page).to_have_url(re.compile("/console/account$"))
        expect(entry).not_to_contain_text("not read")
        entry.click()
        message.get_by_role("button", name="Mark as not read").click()
        expect(entry).to_contain_text("1 not read")
        page.get_by_role("button", name="Mark all as read").click()
        expect(page.get_by_text("Everything is marked as read.")).to_be_visible()
        expect(message.get_by_role("button", name="Mark as not read")).to_be_visible()


def test_how_one_is_told_is_chosen_and_the_pages_break_no_rule_of_axe(people):
    with people.tab("auditor", bypass_csp=True) as page:
        page.goto("/console/inbox")
        found = {"inbox": axe(page)}
        page.get_by_role("link", name="How you are told").click()
        found["choices"] = axe(page)
        page.get_by_label("Mails that can wait").select_option("weekly")
        page.get_by_label("No mails from").fill("22:00")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("must be given")).to_be_visible()
        found["refused"] = axe(page)
        page.get_by_label("until").fill("06:30")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        expect(page.get_by_label("until")).to_have_value("06:30")
        expect(page.get_by_label("Mails that can wait")).to_have_value("weekly")
    assert not any(found.values()), found
