"""The pages of one's own account in Chromium: password, sessions, second factor, API keys; and the sign-in with one."""

import json
import re
import time

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from visitors import People, axe, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ACCOUNT, NEW = "/console/account", "stone under the seventh bridge"


@pytest.fixture(scope="module")
def people(browser: Browser, site) -> People:
    return People(browser, site)


class Perceiver:
    """Asks of each page that a person comes through whether everybody can perceive it."""

    def __init__(self, page: Page, *, on: bool) -> None:
        self.page, self.on = page, on
        self.found: dict[str, list[str]] = {}

    def __call__(self, name: str) -> None:
        if self.on:
            self.found[name] = axe(self.page)
            if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                self.found[name].append("the page scrolls sideways")

    def settle(self) -> None:
        faults = {name: each for name, each in self.found.items() if each}
        assert not faults, json.dumps(faults, indent=1)


def code(secret: str, steps: int) -> str:
    """Return the code of a step before or after the present one: each is good once, and one to either side."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps)


def set_up(page: Page, perceive: Perceiver) -> tuple[str, list[str]]:
    """Switch a second factor on by its pages; return its secret and the recovery codes."""
    page.goto(ACCOUNT)
    page.get_by_role("link", name="None yet").click()
    perceive("no second factor")
    page.get_by_role("button", name="Set up an authenticator").click()
    perceive("setting up")
    secret = page.locator("main code").first.inner_text().replace(" ", "")
    page.get_by_label("Code").fill("123")
    page.get_by_role("button", name="Switch it on").click()
    expect(page).to_have_title(re.compile("^Error:"))
    expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    perceive("setting up, refused")
    assert page.locator("main code").first.inner_text().replace(" ", "") == secret, "the key is still the same"
    page.get_by_label("Code").fill(code(secret, -1))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    perceive("recovery codes")
    codes = page.locator("main li code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 left")).to_be_visible()
    perceive("second factor")
    return secret, codes


@pytest.mark.parametrize("role", ["admin", "auditor"], ids=["with JavaScript", "without"])
def test_signing_in_is_changed_by_the_pages_of_the_account(people, site, role):
    member, scripts = site.org.members[role], role == "admin"
    options = {"java_script_enabled": scripts, "bypass_csp": scripts}
    with people.context(None) as elsewhere, people.tab(role, **options) as page:
        perceive = Perceiver(page, on=scripts)
        there = elsewhere.new_page()
        sign_in(there, member.email, site.password)
        expect(there).to_have_url(re.compile("/console$"))

        # Sessions: the other browser is one; ending it there shows at once.
        page.goto(ACCOUNT)
        expect(page.get_by_text("This session")).to_be_visible()
        perceive("account")
        page.get_by_role("button", name="Sign out everywhere else").click()
        expect(page.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)
        there.goto(ACCOUNT)
        expect(there).to_have_url(re.compile("/console/sign-in"))

        # Password: a wrong one is told at its field and nothing of what was typed comes back.
        page.get_by_role("link", name="Change your password").click()
        perceive("password")
        page.get_by_label("Present password").fill("not the password at all")
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Change the password").click()
        expect(page).to_have_title(re.compile("^Error:"))
        expect(page.get_by_label("Present password")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("New password")).to_have_value("")
        perceive("password, refused")
        page.get_by_label("Present password").fill(site.password)
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Change the password").click()
        expect(page).to_have_url(re.compile(f"{ACCOUNT}$"))

        secret, codes = set_up(page, perceive)

        # Signing in with it: the password alone leads to the code, a wrong one is told, a recovery code is good once.
        there.goto("/console/sign-in")
        sign_in(there, member.email, NEW)
        expect(there.get_by_role("heading", name="Second factor")).to_be_visible()
        there.get_by_label(re.compile("^Code")).fill("000000")
        there.get_by_role("button", name="Sign in").click()
        expect(there.get_by_role("alert")).to_be_visible()
        there.get_by_label(re.compile("^Code")).fill(code(secret, 0))
        there.get_by_role("button", name="Sign in").click()
        expect(there).to_have_url(re.compile("/console$"))
        signed_out(page, site)
        sign_in(page, member.email, NEW)
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        perceive("signing in with it")
        page.get_by_text("Use a recovery code").click()
        page.get_by_label("Recovery code").fill(codes[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/console$"))
        page.goto(f"{ACCOUNT}/second-factor")
        expect(page.get_by_text("9 left")).to_be_visible()

        # Off again, after a question; the password alone lets in from then on.
        page.goto(f"{ACCOUNT}/second-factor")
        page.get_by_role("link", name="Remove…").click()
        perceive("removing it")
        page.get_by_role("button", name="Remove it").click()
        page.goto(ACCOUNT)
        expect(page.get_by_role("link", name="None yet")).to_be_visible()
        perceive.settle()


@pytest.mark.parametrize("role", ["admin", "operator"], ids=["narrow and dark", "without JavaScript"])
def test_a_key_is_made_seen_once_and_ended(people, site, role):
    scripts = role == "admin"
    options = {"java_script_enabled": scripts, "bypass_csp": scripts}
    options |= {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"} if scripts else {}
    with people.tab(role, org="other", **options) as page:
        perceive = Perceiver(page, on=scripts)
        for name in ("", "/password", "/second-factor"):
            page.goto(f"{ACCOUNT}{name}")
            perceive(f"account{name}")
        keys(page, perceive)
        page.goto(f"{ACCOUNT}/confirm?next={ACCOUNT}")
        perceive("confirming who one is")
        page.get_by_label("Password").fill("not the password at all")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
        perceive("confirming, refused")
        page.get_by_label("Password").fill(site.password)
        page.get_by_role("button", name="Go on").click()
        expect(page).to_have_url(re.compile(f"{ACCOUNT}$"))
        perceive.settle()


def keys(page: Page, perceive: Perceiver) -> None:
    page.goto(f"{ACCOUNT}/keys")
    perceive("no keys")
    page.get_by_role("link", name="New key").click()
    perceive("new key")
    page.get_by_label("What it is for").fill("Payroll")
    page.get_by_label("Permissions").fill("no.such.right")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("Permissions")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("What it is for")).to_have_value("Payroll")
    perceive("new key, refused")
    page.get_by_label("Permissions").fill("directory.person.read")
    page.get_by_role("button", name="Make the key").click()
    shown = page.locator("main code").inner_text()
    assert shown.startswith("hf_")
    perceive("the key")
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.locator("main")).not_to_contain_text(shown)
    perceive("keys")
    page.get_by_role("link", name="End… Payroll").click()
    perceive("ending a key")
    page.get_by_role("button", name="End this key").click()
    expect(page.get_by_text("No keys")).to_be_visible()


def signed_out(page: Page, site) -> None:
    page.goto("/console")
    page.locator("details.person summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_the_account_needs_no_mouse(people, site):
    """Password and second factor by the keyboard alone; what has the focus can be seen."""
    member = site.org.viewer
    with people.tab("viewer") as page:
        page.goto(f"{ACCOUNT}/password")
        tab_to(page, "Present password")
        page.keyboard.type(site.password)
        page.keyboard.press("Tab")
        expect(page.get_by_label("New password")).to_be_focused()
        page.keyboard.type(NEW)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"{ACCOUNT}$"))
        tab_to(page, "None yet")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/second-factor$"))
        tab_to(page, "Set up an authenticator")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Switch it on")).to_be_visible()
        secret = page.locator("main code").first.inner_text().replace(" ", "")
        tab_to(page, "Code")
        page.keyboard.type(code(secret, -1))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    with people.tab(None) as page:
        page.goto("/console/sign-in")
        tab_to(page, "E-mail or user name")
        page.keyboard.type(member.email)
        page.keyboard.press("Tab")
        page.keyboard.type(NEW)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        tab_to(page, "Code")
        page.keyboard.type(code(secret, 0))
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/console$"))


FOCUS = """() => {
  const at = document.activeElement;
  const label = at.labels?.[0]?.textContent ?? at.textContent;
  const style = getComputedStyle(at);
  return [label.trim(), style.outlineStyle !== "none" || style.boxShadow !== "none"];
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus; each stop on the way shows that it has it."""
    for _ in range(60):
        told, seen = page.evaluate(FOCUS)
        if told.startswith(name):
            return
        page.keyboard.press("Tab")
        told, seen = page.evaluate(FOCUS)
        assert seen, f"{told!r} has the focus and does not show it"
    raise AssertionError(f"Tab does not come to {name!r}")
