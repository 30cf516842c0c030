"""A day at the console, from the sign-in page to the way out, on every database, with and without JavaScript."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sites import Site, site_on
from visitors import People, watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with site_on(request.param) as made:
        yield made


@pytest.mark.parametrize(
    ("site", "scripts"),
    [
        pytest.param("sqlite", True, id="sqlite"),
        pytest.param("sqlite", False, id="without JavaScript"),
        pytest.param("postgresql", True, id="postgresql"),
        pytest.param("mysql", True, id="mysql"),
    ],
    indirect=["site"],
)
def test_a_day_at_the_console(browser, site, scripts):
    name = f"Northern Clinics {uuid4().hex[:6]}"
    visit = People(browser, site).context(None, java_script_enabled=scripts)
    with visit as context, watched(context) as page:
        # A stranger is led to the sign-in page, a wrong password is told, the right one leads to where one wanted.
        page.goto("/console/companies/new")
        expect(page).to_have_url(re.compile(r"/console/sign-in\?next="))
        page.get_by_label("E-mail or user name").fill(site.org.admin.email)
        page.get_by_label("Password").fill("not the password at all")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page).to_have_title(re.compile("^Error: Sign in"))
        expect(page.get_by_label("E-mail or user name")).to_have_value(site.org.admin.email)
        expect(page.get_by_label("Password")).to_have_value("")
        page.get_by_label("Password").fill(site.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/console/companies/new$"))

        # A form that is wrong says where, and keeps what was typed.
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Create company").click()
        expect(page).to_have_title(re.compile("^Error:"))
        expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Name", exact=True)).to_have_value(name)
        code = f"N-{uuid4().hex[:8]}"
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Create company").click()
        expect(page.get_by_text(f"{name} was added.")).to_be_visible()

        # Edit.
        page.get_by_role("link", name=name, exact=True).click()
        path = page.url
        page.get_by_label("City").fill("Leeds")
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_text(f"{name} was saved.")).to_be_visible()

        # A second tab has the old version: both values are shown, nothing is lost, and saving again is a choice.
        page.goto(path)
        late = context.new_page()
        late.goto(path)
        page.get_by_label("City").fill("York")
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_text(f"{name} was saved.")).to_be_visible()
        late.get_by_label("City").fill("Hull")
        late.get_by_role("button", name="Save changes").click()
        expect(late.get_by_text("Changed meanwhile.")).to_be_visible()
        difference = late.get_by_role("table", name="The saved values and yours")
        expect(difference).to_contain_text("York")
        expect(difference).to_contain_text("Hull")
        expect(late.get_by_label("City")).to_have_value("Hull")
        late.get_by_role("button", name="Save changes").click()
        expect(late.get_by_text(f"{name} was saved.")).to_be_visible()
        late.close()

        # A code that is taken is told at its field.
        page.goto("/console/companies/new")
        page.get_by_label("Name", exact=True).fill("Twin")
        page.get_by_label("Code").fill(code.lower())
        page.get_by_role("button", name="Create company").click()
        expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")

        # Search, delete after a question, restore.
        page.goto("/console/companies")
        page.get_by_role("searchbox").fill(name)
        page.get_by_role("searchbox").press("Enter")
        expect(page).to_have_url(re.compile("q="))
        expect(page.get_by_role("row")).to_have_count(2)
        page.goto(path)
        page.get_by_role("link", name="Delete…").click()
        expect(page.get_by_role("heading", name=f"Delete {name}?")).to_be_visible()
        page.get_by_role("button", name="Delete this company").click()
        expect(page.get_by_text(f"{name} was deleted.")).to_be_visible()
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
        page.get_by_role("link", name="Deleted", exact=True).click()
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_role("button", name="Restore this company").click()
        expect(page.get_by_text(f"{name} was restored.")).to_be_visible()
        expect(page.get_by_label("City")).to_have_value("Hull")

        # The trail shows each act, with before and after.
        page.get_by_role("link", name="History").click()
        expect(page).to_have_url(re.compile("/console/audit"))
        expect(page.get_by_role("row")).to_have_count(7)  # made, saved three times, deleted, restored, and the heading
        page.get_by_role("link", name=re.compile("Company changed")).first.click()
        changed = page.get_by_role("table")
        expect(changed).to_contain_text("York")
        expect(changed).to_contain_text("Hull")

        # Out, and the way back is closed.
        page.locator("details.person summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.goto(path)
        expect(page).to_have_url(re.compile("/console/sign-in"))
