"""The directory in Chromium: records by the keyboard alone, the import, the tree and the chart."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from visitors import People, new_company, new_record

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])


@pytest.fixture(scope="module")
def people(browser: Browser, site) -> People:
    return People(browser, site)


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus."""
    expect(wanted).to_have_count(1)
    for _ in range(90):
        if wanted.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def press(page: Page, role: str, name: str) -> None:
    """Reach a link or button by Tab and press Enter."""
    reach(page, page.get_by_role(role, name=name, exact=True))
    page.keyboard.press("Enter")


def type_into(page: Page, label: str, text: str) -> None:
    """Reach a field by Tab and type; in a choice this takes the option that begins so."""
    reach(page, page.locator("main").get_by_label(label))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


@SCRIPTS
def test_a_department_by_the_keyboard(people, scripts):
    mark = uuid4().hex[:6]
    with people.tab("admin", java_script_enabled=scripts) as page:
        new_company(page, f"Acme {mark}")
        for name in ("North", "South"):
            new_record(page, "branch", Name=f"{name} {mark}", Code=f"{name}-{mark}", Company=f"Acme {mark}…")
        page.goto("/console/departments")

        # Create: what is wrong is told where one goes on, and what was typed stays.
        press(page, "link", "New department")
        type_into(page, "Name", f"Nursing {mark}")
        type_into(page, "Code", f"NU-{mark}")
        press(page, "button", "Create department")
        expect(page).to_have_title(re.compile("^Error:"))
        if scripts:
            expect(page.get_by_role("alert")).to_be_focused()
        press(page, "link", "Part of is required")
        type_into(page, "Part of", f"North {mark}")
        expect(page.get_by_label("Name")).to_have_value(f"Nursing {mark}")
        press(page, "button", "Create department")
        expect(page.get_by_text(f"Nursing {mark} was added.")).to_be_visible()

        # Edit and move.
        press(page, "link", f"Nursing {mark}")
        expect(page.get_by_label("Name")).to_have_value(f"Nursing {mark}")
        path = page.url
        type_into(page, "Name", f"Care {mark}")
        type_into(page, "Part of", f"South {mark}")
        press(page, "button", "Save changes")
        expect(page.get_by_text(f"Care {mark} was saved.")).to_be_visible()
        expect(page.get_by_role("row", name=re.compile(f"Care {mark}"))).to_contain_text(f"South {mark}")

        # Somebody works there, so deleting asks for a tick.
        worker = new_record(
            page, "person", Given_name="Ann", Family_name=f"Lee {mark}", Number=mark, Works_in=f"Care {mark}…"
        )
        page.goto(path)
        press(page, "link", "Delete…")
        expect(page.locator("dl.facts")).to_contain_text("People")
        button = "Delete this department and all of it"
        press(page, "button", button)  # the browser, or the server, asks for the tick
        expect(page.get_by_role("button", name=button)).to_be_visible()
        reach(page, page.get_by_label("Delete all that it holds with it"))
        page.keyboard.press("Space")
        press(page, "button", button)
        expect(page.get_by_text(f"Care {mark} was deleted with all that it held.")).to_be_visible()
        page.goto(worker)
        expect(page.get_by_text("This person was deleted on")).to_be_visible()

        # Restore from the trash.
        page.goto("/console/departments")
        press(page, "link", "Deleted")
        press(page, "button", f"Restore Care {mark}")
        expect(page.get_by_text(f"Care {mark} was restored.")).to_be_visible()
        page.goto(worker)
        expect(page.get_by_role("link", name=f"Care {mark}")).to_be_visible()


@SCRIPTS
def test_people_are_imported_after_a_look(people, scripts):
    mark = uuid4().hex[:6]
    good = f"number,given_name,family_name\nA-{mark},Ann,Imported {mark}\n".encode()
    with people.tab("admin", java_script_enabled=scripts) as page:
        page.goto("/console/people")
        page.get_by_role("link", name="Import", exact=True).click()
        file = page.get_by_label("File", exact=True)
        file.set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": good + b"B-1,,x\n"})
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("alert")).to_contain_text("1 fault in bad.csv")
        expect(page.get_by_role("row", name=re.compile("^3"))).to_contain_text("given_name")
        file.set_input_files({"name": "good.csv", "mimeType": "text/csv", "buffer": good})
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_text("Nothing has been imported yet.")).to_be_visible()
        page.get_by_role("button", name="Import 1 person").click()
        expect(page.get_by_text("1 person was imported.")).to_be_visible()
        page.goto(f"/console/people?q=a-{mark}")
        expect(page.get_by_role("link", name=f"Imported {mark}, Ann")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Export", exact=True).click()
        assert f"Imported {mark}" in download.value.path().read_text()


def test_an_import_from_elsewhere_is_refused(people, site):
    with people.context("admin") as context:
        page = context.new_page()
        page.goto("/console/people/imports")
        token = page.locator("form.form input[name=csrf_token]").get_attribute("value")
        file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"number,given_name,family_name\n1,A,B\n"}
        for token_, origin, status in (
            (token, "https://evil.example", 403),
            ("x", site.url, 403),
            (token, site.url, 200),
        ):
            answer = context.request.post(
                "/console/people/imports", multipart={"file": file, "csrf_token": token_}, headers={"Origin": origin}
            )
            assert answer.status == status, answer.text()


@SCRIPTS
def test_the_chart_opens_a_person_at_a_time(people, scripts):
    mark = uuid4().hex[:6]
    with people.tab("admin", java_script_enabled=scripts) as page:
        above = {}
        for name in ("Top", "Mid", "Low"):
            new_record(page, "person", Given_name=name, Family_name=mark, Number=f"{name}-{mark}", **above)
            above = {"Manager": f"{name}-{mark}"}
        page.goto("/console/chart")
        expect(page.get_by_role("link", name=f"Mid {mark}", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name=f"Low {mark}", exact=True)).to_have_count(0)
        title = page.title()
        press(page, "link", f"Show whom Mid {mark} leads")
        expect(page.get_by_role("link", name=f"Low {mark}", exact=True)).to_be_visible()
        if scripts:
            expect(page).to_have_url(re.compile("/console/chart$"))
            assert page.title() == title
            expect(page.locator("summary").filter(has_text=f"Mid {mark}").last).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.get_by_role("link", name=f"Low {mark}", exact=True)).to_be_hidden()
        else:
            expect(page).to_have_url(re.compile(r"/console/chart\?root="))
            page.get_by_role("link", name=f"Up to Top {mark}").click()
            expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_tree_is_opened_and_closed_without_scripts(people):
    mark = uuid4().hex[:6]
    with people.tab("admin", java_script_enabled=False) as page:
        new_company(page, f"Tree {mark}")
        new_record(page, "branch", Name=f"Inside {mark}", Code=f"T-{mark}", Company=f"Tree {mark}…")
        page.goto("/console/tree?open=none")
        inside = page.get_by_role("link", name=f"Inside {mark}")
        expect(inside).to_be_hidden()
        reach(page, page.locator("summary").filter(has_text=f"Tree {mark}"))
        page.keyboard.press("Enter")
        expect(inside).to_be_visible()
        page.get_by_role("link", name="Close all").click()
        expect(inside).to_be_hidden()
        page.get_by_role("link", name="Open all").click()
        expect(inside).to_be_visible()
