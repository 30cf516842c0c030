"""Adding users, and their choosing a password by the link that they are sent."""

import asyncio
from uuid import uuid4

import pytest

from callers import add_caller
from posts import last_link, posted
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
USERS, ACCEPT, LOGIN, ME = "/api/v1/users", "/api/v1/auth/invitations/accept", "/api/v1/auth/login", "/api/v1/auth/me"


def fields(**more: object) -> dict[str, object]:
    return {"email": f"new-{uuid4().hex[:8]}@x.test", "name": "Newt Comer", **more}


async def invited(client, org: Org, **more: object) -> dict:
    answer = await client.post(USERS, json=fields(**more), headers=org.admin.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def accept(client, token: str, password: str = PASSWORD):
    return await client.post(ACCEPT, json={"token": token, "password": password})


async def sign_in(client, name: str, field: str = "email") -> int:
    return (await client.post(LOGIN, json={field: name, "password": PASSWORD})).status_code


async def test_who_is_invited_chooses_a_password_and_signs_in_by_either_name(client, org: Org) -> None:
    username = f"u{uuid4().hex[:8]}"
    user = await invited(client, org, username=username, roles=["Viewer"], locale="de-CH", time_zone="Europe/Zurich")
    assert (user["status"], user["roles"], user["kind"]) == ("invited", ["Viewer"], "person")
    assert (user["locale"], user["time_zone"]) == ("de-CH", "Europe/Zurich")
    assert await sign_in(client, user["email"]) == 401, "nobody enters before choosing a password"
    [message] = await posted(org, user["email"])
    assert "/console/invitation#token=" in message.text, "the secret stands behind the #, which is sent to no server"
    token = await last_link(org, user["email"])
    accepted = await accept(client, token)
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["organization"] == {"id": str(org.id), "slug": org.slug, "name": f"Org {org.slug}"}
    assert accepted.json()["user"]["id"] == user["id"]
    assert await sign_in(client, user["email"].upper()) == 200
    signed = await client.post(LOGIN, json={"username": username, "password": PASSWORD})
    me = await client.get(ME, headers={"Authorization": f"Bearer {signed.json()['access_token']}"})
    assert me.json()["roles"] == ["Viewer"]
    history = f"/api/v1/audit/entities/user_account/{user['id']}/history"
    told = (await client.get(history, headers=org.auditor.bearer)).json()["data"]
    actions = [(each["action"], each["actor_id"]) for each in told]
    assert ("identity.invitation.accepted", user["id"]) in actions
    assert ("identity.user.invited", str(org.admin.id)) in actions
    assert ("identity.user.created", str(org.admin.id)) in actions
    assert token not in str(told)


async def test_a_link_is_good_once_also_in_parallel(client, org: Org) -> None:
    user = await invited(client, org)
    token = await last_link(org, user["email"])
    answers = await asyncio.gather(*(accept(client, token, f"{PASSWORD} {turn}") for turn in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403], [each.text for each in answers]
    assert {each.json()["code"] for each in answers if each.status_code == 403} == {"LINK_REFUSED"}
    assert (await accept(client, token)).status_code == 403


async def test_a_new_invitation_kills_the_old_link_and_is_only_for_the_invited(client, org: Org) -> None:
    user = await invited(client, org)
    url, first = f"{USERS}/{user['id']}/invitation", await last_link(org, user["email"])
    assert (await client.post(url)).status_code == 401
    assert (await client.post(url, headers=org.viewer.bearer)).status_code == 403
    assert (await client.post(url, headers=org.admin.bearer)).status_code == 204
    second = await last_link(org, user["email"])
    assert first != second
    assert (await accept(client, first)).status_code == 403
    assert (await accept(client, second)).status_code == 200
    again = await client.post(url, headers=org.admin.bearer)
    assert (again.status_code, again.json()["code"]) == (409, "NOT_INVITED")


async def test_a_link_ends_after_seven_days(client, hands, org: Org) -> None:
    user = await invited(client, org)
    token = await last_link(org, user["email"])
    hands.forward(days=7, seconds=5)
    assert (await accept(client, token)).status_code == 403


@pytest.mark.parametrize("change", ["suspended", "deleted"])
async def test_a_link_of_who_may_not_enter_is_refused_for_good(change: str, client, org: Org) -> None:
    user = await invited(client, org)
    url, token = f"{USERS}/{user['id']}", await last_link(org, user["email"])
    if change == "suspended":
        await client.patch(f"{url}/status", json={"status": "suspended"}, headers=org.admin.bearer)
    else:
        assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await accept(client, token)).status_code == 403
    if change == "suspended":
        back = await client.patch(f"{url}/status", json={"status": "active"}, headers=org.admin.bearer)
        assert back.json()["status"] == "invited", "who never chose a password is invited, not active"
        open_ = await client.patch(f"{url}/status", json={"status": "active"}, headers=org.admin.bearer)
        assert (open_.status_code, open_.json()["code"]) == (409, "INVITATION_OPEN")
    else:
        assert (await client.post(f"{url}/restore", headers=org.admin.bearer)).json()["status"] == "invited"
    assert (await accept(client, token)).status_code == 403
    assert (await client.post(f"{url}/invitation", headers=org.admin.bearer)).status_code == 204
    assert (await accept(client, await last_link(org, user["email"]))).status_code == 200


async def test_a_weak_password_is_refused_and_leaves_the_link_good(client, org: Org) -> None:
    user = await invited(client, org)
    token = await last_link(org, user["email"])
    for weak in ("short", f"{user['email']} and more", "a" * 30):
        answer = await accept(client, token, weak)
        assert answer.status_code == 422, answer.text
        assert [each["location"] for each in answer.json()["errors"]] == ["body.password"]
    assert (await accept(client, token)).status_code == 200


async def test_the_organisations_rule_holds_for_the_first_password_too(client, org: Org) -> None:
    policy = {"password_min_length": 40}
    set_ = await client.put("/api/v1/sign-in-policy", json=policy, headers=org.admin.bearer)
    assert set_.status_code == 200, set_.text
    user = await invited(client, org)
    token = await last_link(org, user["email"])
    refused = await accept(client, token)
    assert (refused.status_code, refused.json()["code"]) == (422, "WEAK_PASSWORD")
    assert "40 characters" in refused.json()["detail"]
    assert (await accept(client, token, f"{PASSWORD} {PASSWORD}")).status_code == 200


async def test_a_changed_link_is_refused_and_is_in_the_operators_trail(client, org: Org) -> None:
    user = await invited(client, org)
    token = await last_link(org, user["email"])
    for wrong in ("x", token[:-1], token[4:], "hfl_" + "A" * 86, token[:-2] + ("AA" if token[-2:] != "AA" else "BB")):
        answer = await accept(client, wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "LINK_REFUSED"), wrong
        assert wrong not in answer.text or wrong == "x"
    assert (await accept(client, token)).status_code == 200


async def test_only_who_may_adds_users(client, org: Org, other: Org) -> None:
    assert (await client.post(USERS, json=fields())).status_code == 401
    for member in (org.operator, org.user, org.viewer, org.auditor):
        assert (await client.post(USERS, json=fields(), headers=member.bearer)).status_code == 403
    elsewhere = await invited(client, other)
    user = await invited(client, org, email=elsewhere["email"])
    assert user["id"] != elsewhere["id"], "the same address may be known in another organisation"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"email": "no address"}, "body.email"),
        ({"email": None}, "body.email"),
        ({"name": ""}, "body.name"),
        ({"username": "an@address"}, "body.username"),
        ({"username": "org/name"}, "body.username"),
        ({"username": "two words"}, "body.username"),
        ({"locale": "english!"}, "body.locale"),
        ({"time_zone": "Mars/Olympus"}, "body.time_zone"),
        ({"person_id": str(uuid4())}, "body.person_id"),
        ({"roles": ["Nobody"]}, "body.roles[0].role"),
        ({"roles": ["Viewer", {"role": "Viewer", "company_id": str(uuid4())}]}, "body.roles[1].company_id"),
        ({"roles": [{"role": "User", "ends_at": "2020-01-01T00:00:00Z"}]}, "body.roles[0].ends_at"),
        (
            {"roles": [{"role": "User", "company_id": str(uuid4()), "branch_id": str(uuid4())}]},
            "body.roles[0].branch_id",
        ),
        ({"status": "active"}, "body.status"),
        ({"kind": "service"}, "body.kind"),
        ({"password": PASSWORD}, "body.password"),
    ],
)
async def test_what_cannot_be_taken_names_its_field_and_adds_nobody(wrong, place, client, org: Org) -> None:
    body = fields(**wrong)
    answer = await client.post(USERS, json=body, headers=org.admin.bearer)
    assert (answer.status_code, [each["location"] for each in answer.json()["errors"]]) == (422, [place]), answer.text
    found = await client.get(USERS, params={"q": "Newt"}, headers=org.admin.bearer)
    assert found.json()["data"] == []


async def test_a_name_that_is_taken_is_refused_naming_it(client, org: Org) -> None:
    user = await invited(client, org, username="newt")
    for taken, place in (({"email": user["email"].upper()}, "body.email"), ({"username": "NEWT"}, "body.username")):
        answer = await client.post(USERS, json=fields(**taken), headers=org.admin.bearer)
        assert answer.status_code == 409, answer.text
        assert [each["location"] for each in answer.json()["errors"]] == [place]


async def test_of_many_equal_additions_at_once_one_is_made(client, org: Org) -> None:
    body = fields()
    answers = await asyncio.gather(
        *(client.post(USERS, json=body, headers=org.admin.bearer) for _ in range(6)),
    )
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409, 409]


async def test_who_adds_users_gives_no_role_beyond_their_own(client, org: Org) -> None:
    made = await client.post(
        "/api/v1/roles", json={"name": "Host", "permissions": ["identity.user.create"]}, headers=org.admin.bearer
    )
    assert made.status_code == 201, made.text
    host = await add_caller(org, "Viewer")
    given = await client.post(f"{USERS}/{host.id}/roles", json={"role": "Host"}, headers=org.admin.bearer)
    assert given.status_code == 201, given.text
    assert (await client.post(USERS, json=fields(), headers=host.bearer)).status_code == 201
    refused = await client.post(USERS, json=fields(roles=["Viewer"]), headers=host.bearer)
    assert (refused.status_code, "identity.role.assign" in refused.text) == (403, True), refused.text
