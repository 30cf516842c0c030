"""The pages of the organisation's tree and of the chart of people."""

from html.parser import HTMLParser

import pytest
from places import Pages

pytestmark = pytest.mark.endpoint
VOID = {"input", "meta", "link", "br", "img", "path", "circle"}


class Outline(HTMLParser):
    """Reads a page and notes how deep each link stands in lists; refuses tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[int, str]] = []
        self.link = False
        self.feed(page.partition('class="tree')[2].partition(">")[2].partition("</main>")[0].rpartition("</ul>")[0])
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.link = tag == "a" and dict(attrs).get("class") != "opens"

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag
        self.link = False

    def handle_data(self, data: str) -> None:
        if self.link and data.strip():
            self.found.append((self.open.count("li"), data.strip()))


@pytest.fixture
async def grown(places):
    company = await places.make("companies", name="Acme")
    north = await places.make("branches", name="North", company_id=company)
    await places.make("branches", name="South", company_id=company)
    a = await places.make("departments", name="A", branch_id=north)
    b = await places.make("departments", name="B", parent_id=a)
    await places.make("departments", name="C", parent_id=b)
    await places.make("departments", name="D", parent_id=a)
    await places.make("departments", name="E", company_id=company)
    await places.make("companies", name="Beta")
    await places.make("people", department_id=b)
    return company


async def test_the_tree_nests_as_the_structure_does(pages, grown):
    page = await pages.open("tree", "viewer")
    expected = [
        (1, "Acme"), (2, "North"), (3, "A"), (4, "B"), (5, "C"), (4, "D"), (2, "South"), (2, "E"), (1, "Beta")
    ]  # fmt: skip
    assert Outline(page).found == expected
    assert f'<a href="/console/companies/{grown}">Acme</a>' in page
    assert page.count("1 person") == 5, "in all, in Acme, North, A and B"
    assert "<details open>" in page
    assert "<details open>" not in await pages.open("tree?open=none")
    assert "<details>" not in await pages.open("tree?open=all")
    await pages.open("tree?open=some", status=422)


async def test_a_deep_tree_nests_all_the_way(places, pages):
    above = await places.make("departments", name="0", company_id=await places.make("companies", name="Acme"))
    for depth in range(1, 40):
        above = await places.make("departments", name=str(depth), parent_id=above)
    found = Outline(await pages.open("tree")).found
    assert found == [(1, "Acme"), *((depth + 2, str(depth)) for depth in range(40))]


async def test_an_empty_tree_says_how_it_grows(pages):
    assert "Add the first company" in await pages.open("tree")
    assert "Add the first company" not in await pages.open("tree", "viewer")
    assert "Nobody to show yet" in await pages.open("chart")


async def test_the_chart_shows_a_subtree_at_a_time(client, other, places, pages):
    top = await places.make("people", given_name="Top", family_name="One")
    middle = await places.make("people", given_name="Mid", family_name="Two", manager_id=top, job_title="Lead")
    low = await places.make("people", given_name="Low", family_name="Three", manager_id=middle)
    await places.make("people", given_name="Last", family_name="Four", manager_id=low)
    page = await pages.open("chart", "viewer")
    assert Outline(page).found == [(1, "Top One"), (2, "Mid Two")]
    assert f'href="/console/chart?root={middle}" hx-get="/console/chart?root={middle}&depth=1"' in page
    assert Outline(await pages.open("chart?depth=0")).found == [(1, "Top One")]
    assert len(Outline(await pages.open("chart?depth=10")).found) == 4
    below = await pages.open(f"chart?root={low}")
    assert Outline(below).found == [(1, "Low Three"), (2, "Last Four")]
    assert f'<a class="button" href="/console/chart?root={middle}">Up to Mid Two</a>' in below
    assert f'<li id="node-{low}">' in below
    await pages.open("chart?depth=11", status=422)
    await Pages(client, other).open(f"chart?root={low}", status=404)
