"""People at a browser: pages that must not log an error, signed in once a role."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# Chromium reports every answer of 4xx to a page as an error of its console.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (401|403|404|409|412|422)")


@dataclass
class Tab:
    """A page, and everything that went wrong in it."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.match(message.text):
            self.faults.append(message.text)


@dataclass
class People:
    """Opens pages as members of the site's organisations; each signs in once, because sign-ins are limited."""

    browser: Browser
    site: object
    kept: dict[str, dict] = field(default_factory=dict)

    @contextmanager
    def tab(self, role: str | None = "admin", *, org: str = "org", **options: object) -> Iterator[Page]:
        with self.context(role, org=org, **options) as context, watched(context) as page:
            yield page

    @contextmanager
    def context(self, role: str | None, *, org: str = "org", **options: object) -> Iterator[BrowserContext]:
        options = {"base_url": self.site.url, "viewport": {"width": 1280, "height": 800}} | options
        if role is not None:
            options["storage_state"] = self.state(role, org)
        context = self.browser.new_context(**options)
        context.set_default_timeout(15_000)
        try:
            yield context
        finally:
            context.close()

    def state(self, role: str, org: str) -> dict:
        key = f"{org}.{role}"
        if key not in self.kept:
            with self.context(None) as context:
                page = context.new_page()
                sign_in(page, getattr(self.site, org).members[role].email, self.site.password)
                expect(page).to_have_url(re.compile("/console$"))
                self.kept[key] = context.storage_state()
        return self.kept[key]


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """Open a page that must not log an error, meet a script error or break its own content policy."""
    tab = Tab(context.new_page())
    tab.page.on("console", tab.hear)
    tab.page.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.page.on("requestfailed", lambda request: tab.faults.append(f"{request.url}: {request.failure}"))
    yield tab.page
    assert not [fault for fault in tab.faults if "ERR_ABORTED" not in fault], tab.faults


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/console/sign-in")
    page.get_by_label("E-mail or user name").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def new_company(page: Page, name: str, code: str | None = None) -> str:
    """Add a company by the form and return the path of its page."""
    page.goto("/console/companies/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Code").fill(code or f"C-{uuid4().hex[:8]}")
    page.get_by_role("button", name="Create company").click()
    expect(page).to_have_url(re.compile("/console/companies$"))
    return page.get_by_role("link", name=name, exact=True).get_attribute("href")


def new_record(page: Page, kind: str, **fields: str) -> str:
    """Add a branch, department or person by its form, fields by label, and return the path of its page.

    A field whose value ends with `…` is a choice, by how its label begins.
    """
    many = {"branch": "branches", "department": "departments", "person": "people"}[kind]
    page.goto(f"/console/{many}/new")
    for label, value in fields.items():
        control = page.get_by_label(label.replace("_", " "))
        if value.endswith("…"):
            option = control.locator("option").filter(has_text=value.removesuffix("…")).first
            control.select_option(option.get_attribute("value"))
        else:
            control.fill(value)
    page.get_by_role("button", name=f"Create {kind}").click()
    expect(page.get_by_text("was added.")).to_be_visible()
    if kind == "person":
        return page.url.removeprefix(page.url.partition("/console")[0])
    return page.get_by_role("link", name=fields["Name"], exact=True).get_attribute("href")


def axe(page: Page) -> list[str]:
    """Return the serious and critical faults that axe finds in light, and those of contrast that it finds in dark."""
    page.add_script_tag(path=AXE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _faults(page.evaluate("axe.run(document, {resultTypes: ['violations']})"))
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # which changes nothing but colours
    dark = page.evaluate("axe.run(document, {resultTypes: ['violations'], runOnly: ['color-contrast']})")
    return found + [f"in dark: {fault}" for fault in _faults(dark)]


def _faults(result: dict[str, Any]) -> list[str]:
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in result["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]
