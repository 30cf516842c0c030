"""The console in Chromium: what people do, with and without JavaScript, and what they must be able to perceive."""

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from visitors import People, axe, new_company, new_record, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def people(browser: Browser, site) -> People:
    return People(browser, site)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_session_that_ends_while_somebody_writes(people, site, scripts):
    with people.tab("admin", java_script_enabled=scripts) as page:
        path = new_company(page, f"Late {uuid4().hex[:6]}")
        page.goto(path)
        page.get_by_label("City").fill("Leeds")
        page.get_by_label("Status").select_option("inactive")
        page.context.clear_cookies(name="holdfast")
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_text("Your session has ended. Sign in again to go on.")).to_be_visible()
        page.get_by_label("E-mail or user name").fill(site.org.admin.email)
        page.get_by_label("Password").fill(site.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile(f"{path}$"))
        expect(page.get_by_label("City")).to_have_value("Leeds" if scripts else "")
        if scripts:
            expect(page.get_by_text("What you had typed is in the form again. It is not saved yet.")).to_be_visible()
            expect(page.get_by_label("Status")).to_have_value("inactive")
            page.get_by_role("button", name="Save changes").click()
            expect(page.get_by_text("was saved.")).to_be_visible()
            page.goto(path)
            expect(page.get_by_label("City")).to_have_value("Leeds")


def test_what_somebody_typed_is_given_to_nobody_else(people, site):
    with people.tab("admin") as page:
        page.goto("/console/companies/new")
        page.get_by_label("City").fill("Leeds")
        page.context.clear_cookies(name="holdfast")
        page.get_by_role("button", name="Create company").click()
        sign_in(page, site.other.admin.email, site.password)
        expect(page).to_have_url(re.compile("/console$"))
        page.goto("/console/companies/new")
        expect(page.get_by_label("City")).to_have_value("")
        assert page.evaluate("sessionStorage.length") == 0


def test_what_another_organisation_owns_does_not_exist(people):
    with people.tab("admin") as page:
        path = new_company(page, f"Ours {uuid4().hex[:6]}")
    with people.tab("admin", org="other") as page:
        for each in (path, f"{path}/delete"):
            answer = page.goto(each)
            assert answer.status == 404
            expect(page.get_by_text("Error 404")).to_be_visible()
            expect(page.locator("main")).not_to_contain_text("Ours")
        answer = page.goto(f"/console/companies/{uuid4()}")
        assert answer.status == 404


def test_a_viewer_sees_and_changes_nothing(people):
    name = f"Seen {uuid4().hex[:6]}"
    with people.tab("admin") as page:
        path = new_company(page, name)
    with people.tab("viewer") as page:
        page.goto("/console/companies")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="New company")).to_have_count(0)
        page.goto(path)
        main = page.locator("main")
        expect(main).to_contain_text(name)
        expect(main.get_by_role("button")).to_have_count(0)
        expect(main.get_by_role("textbox")).to_have_count(0)
        expect(main.get_by_role("link", name="Delete…")).to_have_count(0)
        expect(main.get_by_role("link", name="History")).to_have_count(0)
        expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Audit trail")).to_have_count(0)
        for refused in ("/console/companies/new", f"{path}/delete", "/console/audit"):
            answer = page.goto(refused)
            assert answer.status == 403, refused
            expect(page.get_by_text("Error 403")).to_be_visible()


def test_forms_of_other_sites_are_refused(people, site):
    with people.context("admin") as context:
        page = context.new_page()
        page.goto("/console/companies/new")
        token = page.locator("form.form input[name=csrf_token]").get_attribute("value")
        form = {"name": "Forged", "code": f"F-{uuid4().hex[:8]}", "status": "active"}
        for fields, origin in ((form, site.url), ({**form, "csrf_token": token}, "https://evil.example")):
            answer = context.request.post("/console/companies/new", form=fields, headers={"Origin": origin})
            assert answer.status == 403, answer.text()
        answer = context.request.post(
            "/console/companies/new", form=form | {"csrf_token": token}, headers={"Origin": site.url}, max_redirects=0
        )
        assert answer.status == 303, answer.text()


def test_the_keyboard_reaches_everything(people, site):
    with people.tab(None) as page:
        page.goto("/console/sign-in")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        field_ = page.get_by_label("E-mail or user name")
        for _ in range(5):
            page.keyboard.press("Tab")
            if field_.evaluate("node => node === document.activeElement"):
                break
        expect(field_).to_be_focused()
        page.keyboard.type(site.org.user.email)
        page.keyboard.press("Tab")
        page.keyboard.type(site.password)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/console$"))
    with people.tab("admin") as page:
        page.goto("/console/companies/new")
        stops = tab_stops(page, 40)
        assert stops[0] == "Skip to content"
        for wanted in ("name", "code", "status", "city", "country", "Create company", "Cancel"):
            assert wanted in stops, (wanted, stops)
        ring = (
            "node => { const s = getComputedStyle(node); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"
        )
        for each in ("#field-name", "button.primary"):
            page.locator(each).focus()
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
            assert page.locator(each).evaluate(ring), f"{each} shows no focus"


def test_fields_beside_each_other_stand_in_line(people):
    with people.tab("admin") as page:
        page.goto("/console/companies/new")
        page.get_by_label("Country").fill("1")
        page.get_by_role("button", name="Create company").click()
        for one, other in (("code", "status"), ("city", "country")):
            for part in ("label[for=field-{}]", "#field-{}"):
                boxes = [page.locator(part.format(name)).bounding_box() for name in (one, other)]
                assert abs(boxes[0]["y"] - boxes[1]["y"]) < 1, (part, one, other, boxes)


def tab_stops(page: Page, count: int) -> list[str]:
    """Return the names of what Tab reaches, in order."""
    found = []
    for _ in range(count):
        page.keyboard.press("Tab")
        found.append(page.evaluate("(e => e.name || e.textContent.trim())(document.activeElement)"))
    return found


# ── every page, at two widths, light and dark ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pages(people, site) -> dict[str, str]:
    """Return every kind of page by name; the company has a history and a deleted neighbour."""
    with people.tab("admin") as page:
        path = new_company(page, "Perceived Ltd & Sons with a rather long name that has to be broken somewhere")
        page.goto(path)
        page.get_by_label("City").fill("Leeds")
        page.get_by_role("button", name="Save changes").click()
        gone = new_company(page, f"Gone {uuid4().hex[:6]}")
        page.goto(f"{gone}/delete")
        page.get_by_role("button", name="Delete this company").click()
        page.goto(f"/console/audit?entity_id={path.rpartition('/')[2]}")
        entry = page.locator("#results tbody a").first.get_attribute("href")
        long = "of a place whose name is so long that it has to be broken somewhere"
        branch = new_record(page, "branch", Name=f"Branch {long}", Code="PERCEIVED", Company="Perceived…")
        department = new_record(page, "department", Name=f"Part {long}", Code="PERCEIVED", Part_of="Branch of…")
        place = {"Works_in": "Part of…"}
        leader = new_record(page, "person", Given_name="Bo", Family_name="Ash", Number="B-1", **place)
        below = {"Given_name": "Annamaria-Theodora", "Family_name": "Featherstonehaugh-Cholmondeley", "Number": "A-1"}
        led = new_record(page, "person", **below, **place, Manager="B-1")
    return {
        "sign-in": "/console/sign-in",
        "start": "/console",
        "companies": "/console/companies",
        "none found": "/console/companies?q=nothing-is-called-so",
        "deleted": "/console/companies?deleted=true",
        "new": "/console/companies/new",
        "company": path,
        "deleted company": gone,
        "question": f"{path}/delete",
        "branches": "/console/branches",
        "branch": branch,
        "new branch": "/console/branches/new",
        "departments": "/console/departments",
        "department": department,
        "people": "/console/people",
        "person": leader,
        "person led": led,
        "person's form": f"{led}/edit",
        "who leads others": f"{leader}/delete",
        "import": "/console/people/imports",
        "tree": "/console/tree?open=all",
        "chart": "/console/chart?depth=10",
        "trail": "/console/audit",
        "entry": entry,
        "absent": f"/console/companies/{uuid4()}",
        "API": "/api/docs",
    }


@pytest.mark.parametrize("width", [360, 1920])
def test_everyone_can_perceive_every_page(people, pages, width):
    options = {"viewport": {"width": width, "height": 900}, "bypass_csp": True}
    found: dict[str, list[str]] = {}
    with people.tab(None, **options) as page:
        page.goto(pages["sign-in"])
        found["sign-in"] = axe(page)
    with people.tab("admin", **options) as page:
        for name in pages.keys() - {"sign-in", "API"}:  # the API's page is Swagger's own
            page.goto(pages[name])
            found[name] = axe(page)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found[name].append(f"the page scrolls sideways at {width} px")
        page.goto(pages["new"])
        page.get_by_role("button", name="Create company").click()
        expect(page).to_have_title(re.compile("^Error:"))
        found["form with faults"] = axe(page)
    with people.tab("viewer", **options) as page:
        page.goto(pages["company"])
        found["read only"] = axe(page)
        page.goto(pages["new"])
        found["refused"] = axe(page)
    assert not {name: faults for name, faults in found.items() if faults}, json.dumps(found, indent=1)


def test_pages_keep_their_own_content_policy(people, pages):
    for role, names in ((None, {"sign-in"}), ("admin", pages.keys() - {"sign-in"})):
        with people.tab(role) as page:
            for name in names:
                answer = page.goto(pages[name])
                policy = answer.headers["content-security-policy"]
                assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0], policy
                assert "unsafe-eval" not in policy, policy


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_what_the_person_chose_of_light_and_dark_stays(people, scripts):
    with people.tab("admin", java_script_enabled=scripts) as page:
        page.goto("/console/companies")
        if scripts:  # what the next page shows waits for no answer
            page.route("**/console/theme", lambda route: route.abort())
        page.locator("details.person summary").click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.goto("/console/audit")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
