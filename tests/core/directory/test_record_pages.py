"""The pages of branches and departments, and what those of all four kinds of record have in common."""

from dataclasses import replace
from uuid import UUID

import pytest
from places import Pages, main_of

from holdfast.core.directory.pages.departments import DepartmentForm, fields_of
from holdfast.core.directory.service.departments import read_department

pytestmark = pytest.mark.endpoint
KINDS = ("companies", "branches", "departments", "people")


async def one_of(places, many):
    """Make a row of a kind and what it needs; return its id."""
    company = await places.make("companies", name="Acme")
    if many == "companies":
        return company
    return await places.make(many, **({} if many == "people" else {"name": "Northern"}), company_id=company)


@pytest.mark.parametrize("many", KINDS)
async def test_each_kind_of_caller_gets_what_is_theirs(client, org, other, places, pages, many):
    path = f"{many}/{await one_of(places, many)}"
    forms = ["new", "delete"] + (["edit"] if many == "people" else [])
    for page in (many, f"{many}/new", path, f"{path}/delete", "tree", "chart", "people/imports"):
        stranger = await client.get(f"/console/{page}", headers={"Accept": "text/html"})
        assert (stranger.status_code, stranger.headers["location"][:17]) == (303, "/console/sign-in?"), page
    for page in (many, path, f"{many}?deleted=true", "tree", "chart"):
        await pages.open(page, "viewer")
    for form in forms:
        page = f"{many}/new" if form == "new" else f"{path}/{form}"
        assert "You may not do this" in await pages.open(page, "viewer", 403)
        assert (await pages.send(page, "viewer", version="1")).status_code == 403
    assert (await pages.send(f"{path}/restore", "viewer")).status_code == 403
    listed = await pages.open(many, "viewer")
    assert f"{many}/new" not in listed
    assert "Restore" not in await pages.open(f"{many}?deleted=true", "viewer")
    foreign = Pages(client, other)
    for page in (path, f"{path}/delete"):
        assert "Page not found" in await foreign.open(page, status=404)
    for page in (path if many != "people" else f"{path}/edit", f"{path}/delete", f"{path}/restore"):
        sent = await foreign.send(page, **await pages.fields(path if many != "people" else f"{path}/edit"))
        assert sent.status_code == 404, (page, main_of(sent))


@pytest.mark.parametrize("many", KINDS)
async def test_a_record_goes_and_comes_back(org, places, pages, many):
    row_id = await one_of(places, many)
    question = await pages.open(f"{many}/{row_id}/delete")
    gone = await pages.send(f"{many}/{row_id}/delete", version="1")
    assert (gone.status_code, gone.headers["location"]) == (303, f"/console/{many}"), question
    assert row_id not in await pages.open(many)
    trash = await pages.open(f"{many}?deleted=true")
    assert f'action="/console/{many}/{row_id}/restore"' in trash
    shown = await pages.open(f"{many}/{row_id}")
    assert "was deleted on" in shown
    assert "Restore this" in shown
    assert "Save changes" not in shown
    back = await pages.send(f"{many}/{row_id}/restore")
    assert (back.status_code, back.headers["location"]) == (303, f"/console/{many}/{row_id}")
    assert "was deleted on" not in await pages.open(f"{many}/{row_id}")
    entity = {"companies": "company", "branches": "branch", "departments": "department", "people": "person"}[many]
    assert await places.actions(entity, row_id) == ["restored", "deleted", "created"]
    assert "is not deleted" in main_of(await pages.send(f"{many}/{row_id}/restore"))


@pytest.mark.parametrize("many", KINDS)
async def test_an_empty_list_says_why(places, pages, many):
    assert f"No {many} yet" in await pages.open(many)
    await one_of(places, many)
    for query, said in {
        "page=9": "There is no such page",
        "q=zzz": "fits",
        "deleted=true": "Nothing is deleted",
    }.items():
        assert said in await pages.open(f"{many}?{query}"), query
    await pages.open(f"{many}?nonsense=1", status=422)


async def test_a_branch_is_added_and_changed(org, places, pages):
    company = await places.make("companies", name="Acme")
    new = await pages.fields(f"branches/new?company_id={company}")
    assert new["company_id"] == company
    faulty = await pages.send("branches/new", **{**new, "company_id": "", "code": "a b", "name": "North"})
    assert faulty.status_code == 422
    for said in ("Company is required", "Code must be letters", 'value="North"', 'value="a b"'):
        assert said in main_of(faulty), said
    made = await pages.send("branches/new", **{**new, "code": "N-1", "name": "North", "country": "gb", "kind": "plant"})
    assert made.status_code == 303, main_of(made)
    (branch,) = (await places.send("GET", "branches")).json()["data"]
    assert (branch["country"], branch["kind"], branch["company_id"]) == ("GB", "plant", company)
    assert "North" in await pages.open(f"branches?company_id={company}&kind=plant")
    taken = await pages.send("branches/new", **{**new, "code": "n-1", "name": "Twin"})
    assert (taken.status_code, "Code is taken" in main_of(taken)) == (409, True)
    form = await pages.fields(f"branches/{branch['id']}")
    assert "company_id" not in form
    wrong = await pages.send(f"branches/{branch['id']}", **{**form, "time_zone": "Leeds"})
    assert "Time zone is not a time zone" in main_of(wrong)
    saved = await pages.send(f"branches/{branch['id']}", **{**form, "time_zone": "Europe/London"})
    assert saved.status_code == 303, main_of(saved)
    newest = await places.newest("branch", branch["id"])
    assert newest["after"]["time_zone"] == "Europe/London"


async def test_a_branch_names_its_company_which_no_late_form_changes(places, pages):
    company = await places.make("companies", name="Acme")
    branch = await places.make("branches", name="North", company_id=company)
    assert f'<a href="/console/companies/{company}">Acme</a>' in await pages.open(f"branches/{branch}")
    assert "<dt>Company</dt><dd>Acme</dd>" in await pages.open(f"branches/{branch}", "viewer")
    late = {**await pages.fields(f"branches/{branch}"), "city": "York"}
    await places.send("PATCH", f"branches/{branch}", city="Hull")
    refused = main_of(await pages.send(f"branches/{branch}", **late))
    assert "<del>Hull</del>" in refused
    assert company not in refused.partition("</table>")[0]


@pytest.fixture
async def site(places):
    """Two companies; a branch in each; Medicine in the first branch with Nursing below, and Ann in Nursing."""
    one, two = await places.make("companies", name="Acme"), await places.make("companies", name="Beta")
    north = await places.make("branches", name="North", company_id=one)
    south = await places.make("branches", name="South", company_id=two)
    medicine = await places.make("departments", name="Medicine", branch_id=north)
    nursing = await places.make("departments", name="Nursing", parent_id=medicine)
    ann = await places.make("people", number="A-1", given_name="Ann", family_name="Lee", department_id=nursing)
    return {
        "one": one, "two": two, "north": north, "south": south, "medicine": medicine, "nursing": nursing, "ann": ann
    }  # fmt: skip


async def test_a_department_is_added_where_it_is_to_be(places, pages, site):
    assert (await pages.fields(f"departments/new?place=branch:{site['south']}"))["place"] == f"branch:{site['south']}"
    for place, expected in {
        f"company:{site['two']}": (site["two"], None, None),
        f"branch:{site['south']}": (site["two"], site["south"], None),
        f"department:{site['nursing']}": (site["one"], site["north"], site["nursing"]),
    }.items():
        name = place.partition(":")[0]
        sent = await pages.send("departments/new", code=f"X-{name}", name=f"New in {name}", place=place, head="A-1")
        assert sent.status_code == 303, main_of(sent)
        (row,) = (await places.send("GET", f"departments?code=X-{name}")).json()["data"]
        assert (row["company_id"], row["branch_id"], row["parent_id"]) == expected
        assert row["head_person_id"] == site["ann"]
    for place, said in {
        "": "Part of is required",
        "x": "Part of must be one of",
        f"branch:{site['ann']}": "no such",
    }.items():
        sent = await pages.send("departments/new", code="Y-1", name="Y", place=place)
        assert (sent.status_code, said in main_of(sent)) == (422, True), (place, main_of(sent))
        assert 'id="field-place-fault"' in main_of(sent), place


async def test_a_department_moves_with_what_is_below_it_and_its_people(places, pages, site):
    path = f"departments/{site['medicine']}"
    form = await pages.fields(path)
    assert form["place"] == f"branch:{site['north']}"
    page = await pages.open(path)
    assert f'value="department:{site["nursing"]}"' not in page.partition("</select>")[0]  # it cannot be below itself
    sent = await pages.send(path, **{**form, "place": f"branch:{site['south']}"})
    assert sent.status_code == 303, main_of(sent)
    for kind, row in (("departments", "medicine"), ("departments", "nursing"), ("people", "ann")):
        assert await places.place(kind, site[row]) == (site["two"], site["south"])
    assert (await places.newest("person", site["ann"]))["action"] == "directory.person.updated"


async def test_a_department_cannot_be_moved_below_itself(pages, places, site):
    path = f"departments/{site['medicine']}"
    form = await pages.fields(path)
    sent = await pages.send(path, **{**form, "place": f"department:{site['nursing']}", "name": "Kept"})
    assert sent.status_code == 409
    assert "The department would be below itself" in main_of(sent)
    assert 'id="field-place-fault"' in main_of(sent)
    assert 'value="Kept"' in main_of(sent)
    assert (await places.read("departments", site["medicine"]))["parent_id"] is None


async def test_a_branch_of_its_own_outlives_an_edit(places, pages, site):
    """The form has one place, the innermost; what lies beside it stays while that place is not changed."""
    top = await places.make("departments", name="Top", company_id=site["one"])
    below = await places.make("departments", name="Below", parent_id=top, branch_id=site["north"])
    form = await pages.fields(f"departments/{below}")
    assert form["place"] == f"department:{top}"
    assert (await pages.send(f"departments/{below}", **{**form, "name": "Renamed"})).status_code == 303
    row = await places.read("departments", below)
    assert (row["name"], row["branch_id"], row["parent_id"]) == ("Renamed", site["north"], top)


async def test_who_saves_late_sees_both_and_saves_again(places, pages, site):
    path = f"departments/{site['nursing']}"
    late = {**await pages.fields(path), "name": "Mine", "place": f"branch:{site['south']}"}
    await places.send("PATCH", path, name="Theirs", head_person_id=site["ann"])
    refused = await pages.send(path, **late)
    page = main_of(refused)
    assert refused.status_code == 412
    assert "Changed meanwhile." in page
    for said in (
        "<del>Theirs</del>",
        "<ins>Mine</ins>",
        "Ann Lee (A-1)",
        "<del>Acme › North › Medicine</del>",
        "<ins>Beta › South</ins>",
    ):
        assert said in page, said
    assert 'name="version" value="2"' in page
    saved = await pages.send(path, **{**late, "version": "2"})
    assert saved.status_code == 303, main_of(saved)
    assert (await places.read("departments", site["nursing"]))["branch_id"] == site["south"]


async def test_a_branch_goes_with_all_that_it_holds_after_a_tick(places, pages, site):
    path = f"branches/{site['north']}"
    question = await pages.open(f"{path}/delete")
    for said in ("<dt>Departments</dt><dd>2</dd>", "<dt>People</dt><dd>1</dd>", 'name="cascade"'):
        assert said in question, said
    refused = await pages.send(f"{path}/delete", version="1")
    assert refused.status_code == 409
    assert "2 departments and 1 person belong to the branch." in main_of(refused)
    gone = await pages.send(f"{path}/delete", version="1", cascade="true")
    assert gone.status_code == 303, main_of(gone)
    assert "Nursing" not in await pages.open("departments")
    assert "Nursing" in await pages.open("departments?deleted=true")
    assert (await places.actions("person", site["ann"]))[0] == "deleted"
    # Alone it cannot come back; the page says what must come first.
    alone = await pages.send(f"departments/{site['nursing']}/restore")
    assert alone.status_code == 409
    assert "It was not restored." in main_of(alone)
    assert "restore it first" in main_of(alone)
    assert (await pages.send(f"{path}/restore")).status_code == 303
    assert (await places.read("people", site["ann"]))["department_id"] == site["nursing"]


async def test_a_cascade_that_others_are_led_from_is_refused_with_the_reason(places, pages, site):
    await places.make("people", number="B-1", manager_id=site["ann"])
    refused = await pages.send(f"branches/{site['north']}/delete", version="1", cascade="true")
    assert refused.status_code == 409
    assert "1 person is led by people of the branch." in main_of(refused)
    assert (await places.read("branches", site["north"]))["deleted_at"] is None


async def test_a_page_says_what_belongs_to_the_record(pages, site):
    company = await pages.open(f"companies/{site['one']}", "viewer")
    for many, count in (("branches", 1), ("departments", 2), ("people", 1)):
        link = f'<a href="/console/{many}?company_id={site["one"]}">{many.capitalize()}</a>'
        assert f'{link} <span class="number soft">{count}</span>' in company
    department = await pages.open(f"departments/{site['medicine']}", "viewer")
    assert f"/console/departments?parent_id={site['medicine']}" in department
    listed = await pages.open(f"departments?parent_id={site['medicine']}")
    assert "Nursing" in listed
    assert f'value="department:{site["medicine"]}" selected' in listed
    assert f'departments/{site["medicine"]}"' not in listed.partition('id="results"')[2]


async def test_the_head_is_found_as_people_call_them(places, pages, site):
    path = f"departments/{site['nursing']}"
    await places.make("people", number="A-2", given_name="Ann", family_name="Leeson", email="leeson@example.com")
    for text, expected in {
        "a-1": site["ann"],
        "Ann Lee (A-1)": site["ann"],
        "LEESON@example.com": (await places.send("GET", "people?number=A-2")).json()["data"][0]["id"],
        "": None,
    }.items():
        sent = await pages.send(path, **{**await pages.fields(path), "head": text})
        assert sent.status_code == 303, (text, main_of(sent))
        assert (await places.read("departments", site["nursing"]))["head_person_id"] == expected, text
    for text, said in {"nobody": "Head fits nobody", "ann": "Ann Lee (A-1), Ann Leeson (A-2): give the number"}.items():
        sent = await pages.send(path, **{**await pages.fields(path), "head": text})
        assert (sent.status_code, said in main_of(sent)) == (422, True), main_of(sent)
        assert f'value="{text}"' in main_of(sent)


async def test_who_may_not_see_people_does_not_take_the_head_away(org, places, site):
    await places.send("PATCH", f"departments/{site['nursing']}", head_person_id=site["ann"])
    form = DepartmentForm(code="N-9", name="Nursing", place=f"department:{site['medicine']}", version=2)
    async with org.work(write=False) as work:
        department = await read_department(work, department_id=UUID(site["nursing"]))
        assert (await fields_of(work, form, department))["head_person_id"] is None
        work.act_as(replace(work.actor, permissions=work.actor.permissions - {"directory.person.read"}))
        assert (await fields_of(work, form, department))["head_person_id"] == UUID(site["ann"])
