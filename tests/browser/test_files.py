"""Files at the console: uploaded by the script and by the form alone, shown, downloaded; no page breaks a rule of axe."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from visitors import People, axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def people(browser, site) -> People:
    return People(browser, site)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "without JavaScript"])
def test_a_file_goes_up_and_comes_down(people, scripts, tmp_path):
    name, content = f"note-{uuid4().hex[:6]}.txt", uuid4().hex * 40_000
    file = tmp_path / name
    file.write_text(content)
    with people.tab(java_script_enabled=scripts) as page:
        page.goto("/console/files")
        if not page.get_by_label("File", exact=True).is_visible():
            page.get_by_text("Upload a file").click()
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        expect(page).to_have_url(re.compile("/console/files/[0-9a-f-]{36}$"))
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        with page.expect_download() as coming:
            page.get_by_role("link", name="Download", exact=True).click()
        assert coming.value.suggested_filename == name
        assert coming.value.path().read_text() == content


def test_a_refusal_is_said_beside_the_form(people, tmp_path):
    file = tmp_path / "no.pdf"
    file.write_text("no PDF at all")
    with people.tab() as page:
        page.goto("/console/files")
        if not page.get_by_label("File", exact=True).is_visible():
            page.get_by_text("Upload a file").click()
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("which is not what its name says")).to_be_visible()
        expect(page.get_by_role("button", name="Upload")).to_be_enabled()


def test_the_pages_break_no_rule_of_axe(people, tmp_path):
    with people.tab(bypass_csp=True) as page:
        page.goto("/console/files")
        if not page.get_by_label("File", exact=True).is_visible():
            page.get_by_text("Upload a file").click()
        found = {"list": axe(page)}
        page.get_by_label("File", exact=True).set_input_files(
            {"name": "a.txt", "mimeType": "text/plain", "buffer": uuid4().hex.encode()}
        )
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("heading", name="a.txt")).to_be_visible()
        for summary in page.locator("summary").all():
            if summary.is_visible() and "account" not in summary.inner_text():
                summary.click()
        found["file"] = axe(page)
        page.goto(f"{page.url}/delete")
        found["question"] = axe(page)
    assert not any(found.values()), found
