"""Groups: who is in one, who was when, and what becomes of it in the trash."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import select

from holdfast.core.directory.models import GroupMember
from holdfast.core.directory.service.groups import list_members
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.permissions import Actor

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]


async def put(places, group, *people, who="admin"):
    return await places.send("POST", f"groups/{group}/members", who=who, person_ids=list(people))


async def members(places, group, at=None, key="person_id"):
    query = "" if at is None else f"?at={quote(at.isoformat())}"
    answer = await places.send("GET", f"groups/{group}/members{query}")
    assert answer.status_code == 200, answer.text
    return {row[key] for row in answer.json()["data"]}


async def groups_of(places, person, at=None):
    query = "" if at is None else f"?at={quote(at.isoformat())}"
    answer = await places.send("GET", f"people/{person}/groups{query}")
    assert answer.status_code == 200, answer.text
    return {row["group_id"] for row in answer.json()["data"]}


async def test_people_come_and_go_and_who_was_in_it_when_stays_known(places, org):
    group, (ann, bob, eve) = await places.make("groups"), [await places.make("people") for _ in range(3)]
    before = datetime.now(UTC)
    assert (await put(places, group, ann, bob, ann)).json() == {"added": 2}
    both = datetime.now(UTC)
    assert (await put(places, group, bob, eve)).json() == {"added": 1}
    assert (await places.send("DELETE", f"groups/{group}/members/{ann}")).status_code == 204
    left = datetime.now(UTC)
    assert (await put(places, group, ann)).json() == {"added": 1}
    assert (await put(places, group, ann, bob)).json() == {"added": 0}
    assert await members(places, group) == {ann, bob, eve}
    assert await members(places, group, before) == set()
    assert await members(places, group, both) == {ann, bob}
    assert await members(places, group, left) == {bob, eve}
    assert await groups_of(places, ann) == {group}
    assert await groups_of(places, ann, left) == set()
    listed = await places.send("GET", f"people?group_id={group}")
    assert {row["id"] for row in listed.json()["data"]} == {ann, bob, eve}
    page = (await places.send("GET", f"groups/{group}/members?page_size=2&q=ann")).json()
    assert (len(page["data"]), page["meta"]["total"]) == (2, 3)
    entry = await places.newest("person_group", group)
    assert (entry["action"], entry["detail"]) == ("directory.group.members_added", {"people": [ann]})
    actions = ["members_added", "member_removed", "members_added", "members_added", "created"]
    assert await places.actions("person_group", group) == actions


async def test_the_history_shows_the_moments(places, org):
    group, ann = await places.make("groups"), await places.make("people")
    await put(places, group, ann)
    async with org.work(write=False) as work:
        (row,) = (await work.session.scalars(select(GroupMember))).all()
    assert await members(places, group, row.joined_at) == {ann}  # half open: it begins with its first moment
    await places.send("DELETE", f"groups/{group}/members/{ann}")
    async with org.work(write=False) as work:
        (row,) = (await work.session.scalars(select(GroupMember))).all()
    assert await members(places, group, row.left_at) == set()  # and does not hold in its last
    assert await members(places, group, row.left_at, key="left_at") == set()


async def test_unknown_people_are_named_by_their_place_in_the_list(places, org, other, client):
    group, ann = await places.make("groups"), await places.make("people")
    names = {"number": "1", "given_name": "A", "family_name": "B"}
    made = await client.post("/api/v1/org/people", json=names, headers=other.admin.bearer)
    foreign, gone = made.json()["id"], await places.make("people")
    await places.send("DELETE", f"people/{gone}")
    refused = await put(places, group, ann, foreign, gone, str(uuid4()))
    assert refused.status_code == 422, refused.text
    assert [(each["location"], each["code"]) for each in refused.json()["errors"]] == [
        (f"body.person_ids.{place}", "unknown") for place in (1, 2, 3)
    ]
    assert await members(places, group) == set()
    assert (await put(places, group)).json()["errors"][0]["location"] == "body.person_ids"
    assert (await put(places, group, *[str(uuid4()) for _ in range(1001)])).status_code == 422


async def test_every_kind_of_caller(places, org, other, client):
    group, ann = await places.make("groups"), await places.make("people")
    url, body = f"/api/v1/org/groups/{group}/members", {"person_ids": [ann]}
    assert (await client.post(url, json=body)).status_code == 401
    assert (await client.post(url, json=body, headers=other.admin.bearer)).status_code == 404
    assert (await put(places, group, ann, who="viewer")).status_code == 403
    assert (await put(places, group, ann)).status_code == 200
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.delete(f"{url}/{ann}", headers=other.admin.bearer)).status_code == 404
    assert (await client.delete(f"{url}/{ann}", headers=org.viewer.bearer)).status_code == 403
    assert (await client.delete(f"{url}/{ann}", headers=org.admin.bearer)).status_code == 204
    absent = await client.delete(f"{url}/{ann}", headers=org.admin.bearer)
    assert (absent.status_code, absent.json()["code"]) == (404, "MEMBER_NOT_FOUND")
    for permission in ("directory.group.read", "directory.person.read"):
        async with org.work(write=False) as work:
            work.actor = Actor("user", permissions=frozenset({permission}))
            with pytest.raises(Forbidden):
                await list_members(work, None, group_id=group)


async def test_a_group_with_people_goes_by_cascade_only_and_they_come_back_with_it(places):
    group, (ann, bob) = await places.make("groups"), [await places.make("people") for _ in range(2)]
    await put(places, group, ann, bob)
    refused = await places.send("DELETE", f"groups/{group}")
    assert (refused.status_code, refused.json()["code"]) == (409, "GROUP_IN_USE")
    assert refused.json()["detail"] == "2 people belong to the group."
    assert [each["message"] for each in refused.json()["errors"]] == ["2"]
    assert (await places.send("DELETE", f"groups/{group}?cascade=true")).status_code == 204
    assert (await places.send("GET", f"people/{ann}")).status_code == 200
    assert await groups_of(places, ann) == set()
    code = (await places.send("POST", "groups", code="OTHER", name="Other")).json()["code"]
    assert (await places.send("POST", f"groups/{group}/restore")).status_code == 200
    assert (await places.send("POST", f"groups/{group}/restore")).json()["code"] == "GROUP_NOT_DELETED"
    assert await members(places, group) == {ann, bob}
    await places.send("DELETE", f"groups/{group}?cascade=true")
    taken = (await places.send("POST", "groups", code=code.lower(), name="Same")).json()
    assert (taken["code"], taken["errors"][0]["location"]) == ("ALREADY_EXISTS", "body.code")


async def test_a_code_that_was_taken_meanwhile_keeps_a_group_in_the_trash(places):
    group = await places.make("groups", code="G-1")
    await places.send("DELETE", f"groups/{group}")
    await places.make("groups", code="g-1")
    refused = await places.send("POST", f"groups/{group}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "CODE_TAKEN")
    assert refused.json()["detail"] == "Another group is called G-1 meanwhile."


async def test_a_person_in_the_trash_is_in_no_group_and_back_in_the_same_ones(places, org):
    kept, left = await places.make("groups"), await places.make("groups")
    company = await places.make("companies")
    ann = await places.make("people", company_id=company)
    for group in (kept, left):
        await put(places, group, ann)
    await places.send("DELETE", f"groups/{left}/members/{ann}")
    there = datetime.now(UTC)
    for path in (f"people/{ann}", f"companies/{company}"):
        assert (await places.send("DELETE", f"{path}?cascade=true" if "comp" in path else path)).status_code == 204
        assert await members(places, kept) == set()
        assert await members(places, kept, there) == {ann}  # who is in the trash now, too
        assert (await places.send("POST", f"{path}/restore")).status_code == 200
        assert await members(places, kept) == {ann}
        assert await members(places, left) == set()
    async with org.work(write=False) as work:
        rows = (await work.session.scalars(select(GroupMember))).all()
    assert [row.ended_with for row in rows] == [None] * 4


@pytest.mark.parametrize("first", ["group", "person"])
@pytest.mark.parametrize("back", ["group", "person"])
async def test_a_membership_waits_until_both_are_back(first, back, places):
    group, ann = await places.make("groups"), await places.make("people")
    await put(places, group, ann)
    paths = {"group": f"groups/{group}", "person": f"people/{ann}"}
    order = [first, "person" if first == "group" else "group"]
    for each in order:
        query = "?cascade=true" if each == "group" else ""
        assert (await places.send("DELETE", f"{paths[each]}{query}")).status_code == 204
    for each in (back, "person" if back == "group" else "group"):
        assert (await places.send("POST", f"{paths[each]}/restore")).status_code == 200
    assert await members(places, group) == {ann}


async def test_two_who_add_the_same_people_at_once_add_them_once(places):
    group, people = await places.make("groups"), [await places.make("people") for _ in range(4)]
    answers = await asyncio.gather(*(put(places, group, *people) for _ in range(4)))
    assert sorted(answer.json()["added"] for answer in answers) == [0, 0, 0, 4]
    answers = await asyncio.gather(
        put(places, group, people[0]), *(places.send("DELETE", f"groups/{group}/members/{people[0]}") for _ in range(3))
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 404}
    assert len(await members(places, group) | {people[0]}) == 4


async def test_who_is_added_while_being_deleted_is_not_left_in_the_group(places, org):
    group = await places.make("groups")
    for _ in range(3):
        ann = await places.make("people")
        added, deleted = await asyncio.gather(put(places, group, ann), places.send("DELETE", f"people/{ann}"))
        assert (added.status_code in (200, 422), deleted.status_code) == (True, 204)
        assert await members(places, group) == set()


async def test_a_group_is_changed_like_any_record(places, client, org):
    made = await places.send("POST", "groups", code="FA", name="First aid", description="  ")
    group = made.json()
    assert (group["description"], made.headers["location"]) == (None, f"/api/v1/org/groups/{group['id']}")
    url = f"/api/v1/org/groups/{group['id']}"
    stale = await client.patch(url, json={"name": "X"}, headers={**org.admin.bearer, "If-Match": '"9"'})
    assert stale.status_code == 412
    changed = (await places.send("PATCH", f"groups/{group['id']}", description="Trained")).json()
    assert (changed["description"], changed["version"]) == ("Trained", 2)
    entry = await places.newest("person_group", group["id"])
    assert (entry["before"]["description"], entry["after"]["description"]) == (None, "Trained")
