"""The structure at a glance and who leads whom, through the whole application."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from holdfast.core.directory.service.trees import read_tree
from holdfast.kernel.engines import Link

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
TREE, CHART = "/api/v1/org/tree", "/api/v1/org/chart"


async def test_the_tree_shows_what_lives_by_name_with_people(client, org, other, places):
    company = await places.make("companies", name="North")
    empty = await places.make("companies", name="East")
    branch = await places.make("branches", company_id=company, name="Leeds")
    ward = await places.make("departments", branch_id=branch, name="Ward")
    finance = await places.make("departments", company_id=company, name="Finance")
    tax = await places.make("departments", parent_id=finance, branch_id=branch, name="Tax")
    audit = await places.make("departments", parent_id=finance, name="Audit")
    deep = await places.make("departments", parent_id=audit, name="Deep")
    for department in (ward, tax, deep, deep):
        await places.make("people", department_id=department)
    await places.make("people", company_id=company)
    await places.make("people")
    gone = await places.make("departments", company_id=company)
    assert (await places.send("DELETE", f"departments/{gone}")).status_code == 204
    assert (await client.get(TREE)).status_code == 401
    nobody = await client.get(TREE, headers=other.viewer.bearer)
    assert (nobody.json()["companies"], nobody.json()["people"]) == ([], 0)
    answer = await client.get(TREE, headers=org.viewer.bearer)
    assert answer.status_code == 200, answer.text
    tree = answer.json()
    assert (UUID(tree["id"]), tree["people"]) == (org.id, 6)
    east, north = tree["companies"]
    assert (east["id"], east["people"], east["branches"], east["departments"]) == (empty, 0, [], [])
    assert (north["name"], north["people"]) == ("North", 5)
    shown = [(each["id"], each["level"], each["parent_id"], each["people"]) for each in north["departments"]]
    assert shown == [(finance, 0, None, 3), (audit, 1, finance, 2), (deep, 2, audit, 2), (tax, 1, finance, 1)]
    [leeds] = north["branches"]
    assert (leeds["name"], leeds["people"]) == ("Leeds", 2)
    assert [(each["name"], each["level"], each["people"]) for each in leeds["departments"]] == [("Ward", 0, 1)]
    assert north["departments"][3]["branch_id"] == branch
    again = await client.get(TREE, headers={**org.viewer.bearer, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await places.make("people", department_id=ward)
    assert (
        await client.get(TREE, headers={**org.viewer.bearer, "If-None-Match": answer.headers["etag"]})
    ).status_code == 200


async def test_the_tree_takes_two_statements_whatever_its_size_and_one_where_it_is_kept(places, org, monkeypatch):
    sent = []
    fetch = Link.fetch

    async def counting(self, sql, parameters=()):
        sent.append(sql)
        return await fetch(self, sql, parameters)

    def listen(_connection, _cursor, statement, *_):
        sent.append(statement)

    async def statements() -> int:
        sent.clear()
        async with org.work("viewer", write=False) as work:
            await read_tree(work)
        return sum(sql.lstrip().startswith("SELECT") and "set_config" not in sql for sql in sent)

    monkeypatch.setattr(Link, "fetch", counting)
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        company = await places.make("companies")
        assert [await statements() for _ in range(2)] == [3, 1]
        parent = await places.make("departments", company_id=company)
        for _ in range(10):
            parent = await places.make("departments", parent_id=parent)
        await places.make("people", department_id=parent)
        assert [await statements() for _ in range(2)] == [3, 1]
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


async def test_the_chart_shows_people_under_their_superiors(client, org, other, places):
    top = await places.make("people", given_name="Top", family_name="A", job_title="Chief")
    left, right = [await places.make("people", given_name=name, manager_id=top) for name in ("Zoe", "Bob")]
    leaf = await places.make("people", given_name="Leaf", manager_id=left)
    lowest = await places.make("people", given_name="Low", manager_id=leaf)
    alone = await places.make("people", given_name="Alone", family_name="Z")
    assert (await client.get(CHART)).status_code == 401
    answer = await client.get(CHART, headers=org.viewer.bearer)
    assert answer.status_code == 200, answer.text
    rows = [(row["id"], row["level"], row["manager_id"], row["reports"]) for row in answer.json()["data"]]
    assert rows == [
        (top, 0, None, 2),
        (alone, 0, None, 0),
        (right, 1, top, 0),
        (left, 1, top, 1),
        (leaf, 2, left, 1),
    ]
    assert answer.json()["data"][0]["name"] == "Top A"
    assert answer.json()["data"][0]["job_title"] == "Chief"
    below = await client.get(f"{CHART}?root={left}&depth=1", headers=org.viewer.bearer)
    assert [(row["id"], row["level"]) for row in below.json()["data"]] == [(left, 0), (leaf, 1)]
    one = await client.get(f"{CHART}?root={leaf}&depth=0", headers=org.viewer.bearer)
    assert [(row["id"], row["reports"]) for row in one.json()["data"]] == [(leaf, 1)]
    assert (await client.get(f"{CHART}?root={leaf}", headers=other.admin.bearer)).status_code == 404
    assert (await client.get(f"{CHART}?depth=11", headers=org.viewer.bearer)).status_code == 422
    assert (await client.get(f"{CHART}?root={lowest}&depth=10", headers=org.viewer.bearer)).status_code == 200


async def test_a_chart_ends_at_a_thousand_people_and_says_so(client, org, places):
    heading = "number,given_name,family_name,manager_number"
    lines = [heading, "0,Top,Boss,", *(f"{number},Given{number:04},Family,0" for number in range(1, 1101))]
    sent = await client.post(
        "/api/v1/org/people/imports",
        content="\n".join(lines).encode(),
        headers={**org.admin.bearer, "Content-Type": "text/csv"},
    )
    assert sent.status_code == 201, sent.text
    chart = (await client.get(CHART, headers=org.viewer.bearer)).json()
    assert (len(chart["data"]), chart["truncated"]) == (1000, True)
    assert [row["reports"] for row in chart["data"][:2]] == [1100, 0]
    assert chart["data"][-1]["name"] == "Given0999 Family"
