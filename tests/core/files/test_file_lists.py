"""The lists of files, versions and links answer what plain Python picks from the same rows."""

import pytest
from uploads import PDF, PNG, URL, made, send

from holdfast.core.files.queries import FILES, LINKS, VERSIONS
from holdfast.kernel.ids import new_id

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
OWNER = str(new_id())


@pytest.fixture
async def rows(client, org) -> list[dict]:
    """Upload six files that differ in all that can be asked for; one is in the trash."""
    for name, content, owner in (
        ("b report.pdf", PDF, {"owner_kind": "company", "owner_id": OWNER}),
        ("Zebra.png", PNG, {}),
        ("apple %_.txt", b"a" * 900, {"owner_kind": "company", "owner_id": str(new_id())}),
        ("Éclair.txt", b"b" * 50, {"owner_kind": "person", "owner_id": OWNER}),
        ("ﬁne.txt", b"c", {}),
        ("gone.txt", b"d", {}),
    ):
        await made(client, org, content, name, **owner)
    listed = (await client.get(f"{URL}?page_size=10", headers=org.admin.bearer)).json()["data"]
    by_name = {row["name"]: row for row in listed}
    await client.patch(f"{URL}/{by_name['Zebra.png']['id']}", json={"name": "Zebra 2.png"}, headers=org.admin.bearer)
    await client.delete(f"{URL}/{by_name['gone.txt']['id']}", headers=org.admin.bearer)
    return (await client.get(f"{URL}?page_size=10", headers=org.admin.bearer)).json()["data"]


async def names(client, org, **query) -> list[str]:
    """Return the names of a list, followed by its cursor, two at a time."""
    found, query = [], {**query, "page_size": 2}
    while True:
        answer = await client.get(URL, params=query, headers=org.operator.bearer)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [row["name"] for row in page["data"]]
        if page["meta"]["next_cursor"] is None:
            return found
        query["cursor"] = page["meta"]["next_cursor"]


async def test_filters_sorts_and_search(client, org, rows):
    assert len(rows) == 5
    wanted = {
        ("owner_kind", "company"): {"b report.pdf", "apple %_.txt"},
        ("owner_id", OWNER): {"b report.pdf", "Éclair.txt"},
        ("media_type", "text/plain"): {"apple %_.txt", "Éclair.txt", "ﬁne.txt"},
        ("scan", "not_scanned"): {row["name"] for row in rows},
        ("scan", "clean"): set(),
        ("rule", "files.general"): {row["name"] for row in rows},
        ("rule", "no.such"): set(),
        ("deleted", "true"): {"gone.txt"},
        ("q", "RE"): {"b report.pdf"},
        ("q", "%_"): {"apple %_.txt"},
        ("q", "fine"): {"ﬁne.txt"},
        ("created_from", rows[0]["created_at"]): {r["name"] for r in rows if r["created_at"] >= rows[0]["created_at"]},
        ("created_to", rows[0]["created_at"]): {r["name"] for r in rows if r["created_at"] < rows[0]["created_at"]},
    }
    for (name, value), expected in wanted.items():
        assert set(await names(client, org, **{name: value})) == expected, (name, value)
    asked = {name for name, _ in wanted}
    assert asked - {"q"} == FILES._parts.filters.keys() - {"rules"}, "each filter of the list has its case here"
    assert await names(client, org) == ["apple %_.txt", "b report.pdf", "ﬁne.txt", "Zebra 2.png", "Éclair.txt"]
    for sort in FILES._parts.sorts.keys() - {"name"}:
        up = [row["name"] for row in sorted(rows, key=lambda row, by=sort: (row[by], row["id"]))]
        assert await names(client, org, sort=sort) == up, sort
        assert await names(client, org, sort=f"-{sort}") == up[::-1], sort


async def test_a_file_looks_the_same_in_its_list_and_alone(client, org, rows):
    for row in rows:
        assert (await client.get(f"{URL}/{row['id']}", headers=org.viewer.bearer)).json() == row


@pytest.mark.parametrize(("listed", "part"), [(VERSIONS, "versions"), (LINKS, "links")], ids=["versions", "links"])
async def test_versions_and_links_are_those_of_the_file(client, org, listed, part):
    file, another = await made(client, org, b"1"), await made(client, org, b"x")
    for at in range(3):
        for each in (file, another):
            await send(client, org, f"{each['id']} {at}".encode(), url=f"{URL}/{each['id']}/versions")
            await client.post(f"{URL}/{each['id']}/links", json={"hours": 3 - at}, headers=org.admin.bearer)
    url = f"{URL}/{file['id']}/{part}"
    whole = (await client.get(url, headers=org.admin.bearer)).json()
    assert whole["meta"]["total"] == len(whole["data"]) == (4 if part == "versions" else 3)
    assert listed._parts.filters.keys() == {"file_id"}
    for sort in listed._parts.sorts:
        up = [row["id"] for row in sorted(whole["data"], key=lambda row, by=sort: row[by])]
        for query, wanted in ((sort, up), (f"-{sort}", up[::-1])):
            found = await client.get(url, params={"sort": query, "page_size": 200}, headers=org.auditor.bearer)
            if part == "links" or query.lstrip("-") in listed._parts.sorts:
                assert [row["id"] for row in found.json()["data"]] == wanted, query
