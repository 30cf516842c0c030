"""Joiner, mover, leaver: access ends with the last day, by every way in, and comes back with a later one."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from callers import Caller, add_caller
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.queries import get_user
from holdfast.kernel.clock import rfc3339
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
PEOPLE, ME = "/api/v1/org/people", "/api/v1/auth/me"


@pytest.fixture
async def ann(client, org: Org) -> tuple[Caller, str]:
    """A user who is an employee."""
    user = await add_caller(org, "Admin", password=PASSWORD)
    body = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other"}
    made = await client.post(PEOPLE, json=body, headers=org.admin.bearer)
    async with org.work() as work:
        account = await get_user(work, user_id=user.id, lock=True)
        account.person_id = UUID(made.json()["id"])
        work.record(UserUpdated(entity=account))
    return user, f"{PEOPLE}/{made.json()['id']}"


async def ways_in(client, hands, org: Org, user: Caller, key: str) -> list[int]:
    """Return what each way in answers: a token, a key, a refresh, signing in."""
    body = {"email": user.email, "password": PASSWORD, "organization": org.slug}
    return [
        (await client.get(ME, headers=user.bearer)).status_code,
        (await client.get(ME, headers={"Authorization": f"Bearer {key}"})).status_code,
        (await client.post("/api/v1/auth/login", json=body)).status_code,
    ]


async def test_access_ends_with_the_last_day(client, hands, org: Org, ann) -> None:
    user, url = ann
    body = {"label": "Mine", "expires_at": rfc3339(hands() + timedelta(days=30))}
    key = (await client.post("/api/v1/api-keys", json=body, headers=user.bearer)).json()["key"]
    today = hands().date()
    await client.patch(url, json={"end_date": today.isoformat()}, headers=org.admin.bearer)
    assert await ways_in(client, hands, org, user, key) == [200, 200, 200], "the last day is a working day"
    await client.patch(url, json={"end_date": (today - timedelta(days=1)).isoformat()}, headers=org.admin.bearer)
    assert await ways_in(client, hands, org, user, key) == [401, 401, 401]
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": user.refresh})
    assert refreshed.status_code == 401
    await client.patch(url, json={"end_date": None}, headers=org.admin.bearer)
    assert await ways_in(client, hands, org, user, key) == [200, 200, 200], "a mistake is undone by undoing it"


async def test_access_ends_at_midnight_without_anybody_doing_anything(client, hands, org: Org, ann) -> None:
    user, url = ann
    await client.patch(url, json={"end_date": hands().date().isoformat()}, headers=org.admin.bearer)
    assert (await client.get(ME, headers=user.bearer)).status_code == 200
    hands.forward(hours=24)
    renewed = await client.post("/api/v1/auth/refresh", json={"refresh_token": user.refresh})
    assert renewed.status_code == 401


async def test_an_employee_in_the_trash_has_no_access(client, hands, org: Org, ann) -> None:
    user, url = ann
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.get(ME, headers=user.bearer)).status_code == 401
    assert (await client.post(f"{url}/restore", headers=org.admin.bearer)).status_code == 200
    assert (await client.get(ME, headers=user.bearer)).status_code == 200
