"""The pages of people: their list, the page of one, and the form."""

import pytest
from places import main_of

pytestmark = pytest.mark.endpoint


@pytest.fixture
async def staff(places):
    """Bo leads Ann and Cy; Ann works in Medicine, which is in the branch North of Acme, Bo in Acme itself."""
    company = await places.make("companies", name="Acme")
    north = await places.make("branches", name="North", company_id=company)
    medicine = await places.make("departments", name="Medicine", branch_id=north)
    bo = await places.make("people", number="B-1", given_name="Bo", family_name="Ash", company_id=company)
    ann = await places.make(
        "people",
        number="A-1",
        given_name="Ann",
        family_name="Lee",
        department_id=medicine,
        manager_id=bo,
        job_title="Nurse",
        email="ann@example.com",
        start_date="2024-03-01",
    )
    cy = await places.make("people", number="C-1", given_name="Cy", family_name="Oak", manager_id=bo, status="left")
    return {"company": company, "north": north, "medicine": medicine, "bo": bo, "ann": ann, "cy": cy}


async def test_a_person_is_added_with_place_and_manager(places, pages, staff):
    new = await pages.fields(f"people/new?place=department:{staff['medicine']}")
    assert new["place"] == f"department:{staff['medicine']}"
    sent = await pages.send(
        "people/new", **{**new, "given_name": "Di", "family_name": "Elm", "number": "D-1", "manager": "Bo Ash"}
    )
    assert sent.status_code == 303, main_of(sent)
    di = await places.read("people", sent.headers["location"].rpartition("/")[2])
    assert (di["branch_id"], di["company_id"], di["manager_id"]) == (staff["north"], staff["company"], staff["bo"])
    assert (await places.actions("person", di["id"])) == ["created"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("number", "", "Number is required"),
        ("number", "a-1", "Number is taken"),
        ("given_name", "", "Given name is required"),
        ("email", "nobody", "E-mail is not in the right form, such as ada@example.com"),
        ("start_date", "yesterday", "First day must be a date such as 2026-03-31"),
        ("end_date", "2020-01-01", "Last day lies before start_date"),
        ("manager", "nobody at all", "Manager fits nobody"),
        ("place", "department:x", "Works in must be one of the choices"),
        ("status", "asleep", "Status must be one of the choices"),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_the_rest_stays(places, pages, staff, field, value, said):
    fields = {
        "given_name": "Di",
        "family_name": "Elm",
        "number": "D-1",
        "start_date": "2024-01-01",
        "place": f"branch:{staff['north']}",
        "status": "active",
        "job_title": "Typed",
        field: value,
    }
    sent = await pages.send("people/new", **fields)
    page = main_of(sent)
    assert sent.status_code in {409, 422}
    assert said in page
    assert f'id="field-{field}-fault"' in page
    assert 'value="Typed"' in page
    assert (await places.send("GET", "people")).json()["meta"]["total"] == 3


async def test_the_page_of_a_person_shows_place_manager_and_reports(pages, staff):
    ann = await pages.open(f"people/{staff['ann']}")
    for link, name in (
        (f"companies/{staff['company']}", "Acme"),
        (f"branches/{staff['north']}", "North"),
        (f"departments/{staff['medicine']}", "Medicine"),
        (f"people/{staff['bo']}", "Bo Ash (B-1)"),
    ):
        assert f'<a href="/console/{link}">{name}</a>' in ann
    for said in (
        "1 Mar 2024",
        "ann@example.com",
        "Nurse",
        f"/console/audit?entity_type=person&entity_id={staff['ann']}",
    ):
        assert said in ann, said
    bo = await pages.open(f"people/{staff['bo']}", "viewer")
    assert "Leads 2 people" in bo
    assert f'<a href="/console/people/{staff["ann"]}">Ann Lee</a>' in bo
    for hidden in ("/edit", "/delete", "History"):
        assert hidden not in bo, hidden


async def test_an_edit_changes_what_was_changed_and_nothing_else(places, pages, staff):
    top = await places.make("departments", name="Top", company_id=staff["company"])
    both = await places.make(
        "people", number="E-1", department_id=top, branch_id=staff["north"], manager_id=staff["bo"]
    )
    path = f"people/{both}/edit"
    form = await pages.fields(path)
    assert (form["place"], form["manager"]) == (f"department:{top}", "Bo Ash (B-1)")
    sent = await pages.send(path, **{**form, "job_title": "Porter"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/console/people/{both}"), main_of(sent)
    newest = await places.newest("person", both)
    changed = {name for name in newest["after"] if newest["before"].get(name) != newest["after"][name]}
    assert changed - {"version", "updated_at", "updated_by"} == {"job_title"}, newest
    for place, expected in {
        f"branch:{staff['north']}": (staff["company"], staff["north"], None),
        f"company:{staff['company']}": (staff["company"], None, None),
        f"department:{staff['medicine']}": (staff["company"], staff["north"], staff["medicine"]),
        "": (None, None, None),
    }.items():
        assert (await pages.send(path, **{**await pages.fields(path), "place": place})).status_code == 303
        row = await places.read("people", both)
        assert (row["company_id"], row["branch_id"], row["department_id"]) == expected, place


async def test_nobody_becomes_their_own_superior(places, pages, staff):
    path = f"people/{staff['bo']}/edit"
    sent = await pages.send(path, **{**await pages.fields(path), "manager": "A-1"})
    assert sent.status_code == 409
    assert "The person would be their own superior" in main_of(sent)
    assert 'id="field-manager-fault"' in main_of(sent)


async def test_who_saves_late_sees_both(places, pages, staff):
    path = f"people/{staff['ann']}"
    late = {**await pages.fields(f"{path}/edit"), "job_title": "Mine"}
    await places.send("PATCH", path, job_title="Theirs", manager_id=staff["cy"])
    sent = await pages.send(f"{path}/edit", **late)
    assert sent.status_code == 412
    for said in ("<del>Theirs</del>", "<ins>Mine</ins>", "<del>Cy Oak (C-1)</del>", "<ins>Bo Ash (B-1)</ins>"):
        assert said in main_of(sent), said
    assert "<del>Acme" not in main_of(sent)  # the place is the same
    assert (await pages.send(f"{path}/edit", **{**late, "version": "2"})).status_code == 303


async def test_who_leads_others_is_not_deleted(places, pages, staff):
    question = await pages.open(f"people/{staff['bo']}/delete")
    assert "2 people are led by the person." in question
    assert f'href="/console/people?manager_id={staff["bo"]}"' in question
    assert "Delete this person" not in question
    sent = await pages.send(f"people/{staff['bo']}/delete", version="1")
    assert (sent.status_code, "2 people are led" in main_of(sent)) == (409, True)


async def test_the_list_is_searched_filtered_sorted_and_paged(pages, staff):
    async def shown(query):
        page = (await pages.open(f"people?{query}")).partition('id="results"')[2]
        return [name for name in ("Ash, Bo", "Lee, Ann", "Oak, Cy") if name in page]

    assert await shown("") == ["Ash, Bo", "Lee, Ann", "Oak, Cy"]
    assert await shown("q=ann@example") == ["Lee, Ann"]
    assert await shown("status=left") == ["Oak, Cy"]
    assert await shown(f"place=company:{staff['company']}") == ["Ash, Bo", "Lee, Ann"]
    assert await shown(f"place=branch:{staff['north']}") == ["Lee, Ann"]
    assert await shown(f"department_id={staff['medicine']}") == ["Lee, Ann"]
    assert await shown(f"place=branch:{staff['north']}&company_id={staff['north']}") == ["Lee, Ann"]
    assert await shown(f"manager_id={staff['bo']}") == ["Lee, Ann", "Oak, Cy"]
    assert await shown("page_size=1&page=2") == ["Lee, Ann"]
    page = await pages.open("people?sort=-number")
    assert page.index("Oak, Cy") < page.index("Ash, Bo") < page.index("Lee, Ann")
    led = await pages.open(f"people?manager_id={staff['bo']}")
    assert f'Only who is led by <a href="/console/people/{staff["bo"]}">Bo Ash (B-1)</a>' in led
    for said in ("Medicine", "North", "1 Mar 2024"):
        assert said in led, said
    assert f'name="manager_id" value="{staff["bo"]}"' in led
    await pages.open("people?place=nowhere", status=422)


async def test_only_who_may_is_offered_import_and_export(pages, staff):
    for role, offered in {"admin": (True, True), "auditor": (False, True), "viewer": (False, False)}.items():
        page = await pages.open("people", role)
        assert ("/console/people/imports" in page, "/api/v1/org/people/exports" in page) == offered, role
