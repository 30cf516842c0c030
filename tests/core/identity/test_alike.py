"""What a refused sign-in tells: nothing, whatever the reason; and what failures lead to."""

import statistics
import time
from collections.abc import Callable, Iterable

import httpx
import pytest
from sqlalchemy import select

from callers import Caller, add_caller
from holdfast.core.identity.facts import UserStatusChanged
from holdfast.core.identity.models import Password, User, UserStatus
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org, make_org

pytestmark = pytest.mark.endpoint
LOGIN, TOKEN = "/api/v1/auth/login", "/api/v1/auth/token"
ROUNDS = 40


async def refusals(client: httpx.AsyncClient, home, timed, org: Org, ann: Caller) -> dict[str, dict[str, object]]:
    """Return a request body for each reason to refuse."""
    other = await make_org(home)
    twin = await add_caller(org, "Viewer", password=PASSWORD)
    await add_caller(other, "Viewer", password=PASSWORD, email=twin.email)
    suspended = await add_caller(org, "Viewer", password=PASSWORD)
    async with timed.works.begin(org.id, SYSTEM) as work:
        user = (await work.session.scalars(select(User).where(User.id == suspended.id))).one()
        user.status = UserStatus.SUSPENDED
        work.record(UserStatusChanged(entity=user))
    without = await add_caller(org, "Viewer")
    wrong = {"password": "wrong " + PASSWORD}
    return {
        "an unknown name": {"email": "nobody@nowhere.test", "password": PASSWORD},
        "an unknown user name": {"username": "nobody", "password": PASSWORD},
        "a wrong password": {"email": ann.email, **wrong},
        "a wrong password and the organisation": {"email": ann.email, "organization": org.slug, **wrong},
        "an unknown name and the organisation": {"email": "x@y.test", "organization": org.slug, **wrong},
        "another organisation": {"email": ann.email, "organization": other.slug, "password": PASSWORD},
        "an unknown organisation": {"email": ann.email, "organization": "nowhere", "password": PASSWORD},
        "a name known in two": {"email": twin.email, "password": PASSWORD},
        "a suspended user": {"email": suspended.email, "password": PASSWORD},
        "a user without a password": {"email": without.email, "password": PASSWORD},
        "the operators' organisation": {"email": ann.email, "organization": "system", "password": PASSWORD},
    }


def told(answer: httpx.Response) -> dict[str, object]:
    """Return everything an answer tells but the id of the request and the count of the limit."""
    varying = {"x-request-id", "ratelimit", "ratelimit-remaining", "ratelimit-reset", "date"}
    headers = {name: value for name, value in answer.headers.items() if name not in varying}
    names = set(answer.headers)
    return {"status": answer.status_code, "body": {**answer.json(), "request_id": None}, "h": headers, "names": names}


@pytest.mark.portable
async def test_every_refusal_answers_alike(client, home, timed, org: Org, ann: Caller) -> None:
    answers = {}
    for what, body in (await refusals(client, home, timed, org, ann)).items():
        answers[what] = told(await client.post(LOGIN, json=body))
        form = {"username": body.get("email") or body["username"], "password": body["password"]}
        if "organization" in body:
            form["username"] = f"{body['organization']}/{form['username']}"
        as_form = told(await client.post(TOKEN, data=form))
        assert as_form == answers[what], what
    first = answers["an unknown name"]
    assert first["status"] == 401
    assert first["body"]["code"] == "SIGN_IN_REFUSED"
    assert "organisation" in first["body"]["detail"]
    for what, answer in answers.items():
        assert answer == first, what


async def test_known_and_unknown_names_take_the_same_time(client, org: Org, ann: Caller) -> None:
    """Rounds ask for both, each first in turn; the median of the rounds' ratios counts.

    The processor's time forgets what else the machine does. Elapsed time also holds what the database's server does;
    a busy machine may spoil a series of it, so that one good series of three is enough.
    """

    async def cost(email: str) -> tuple[float, float]:
        elapsed, used = time.perf_counter(), time.process_time()
        answer = await client.post(LOGIN, json={"email": email, "password": "wrong " + PASSWORD})
        assert answer.status_code == 401
        return time.perf_counter() - elapsed, time.process_time() - used

    async def ratios(turn: int) -> tuple[float, float]:
        names = [ann.email, "nobody@nowhere.test"]
        first, second = [await cost(name) for name in (names if turn % 2 else names[::-1])]
        known, unknown = (first, second) if turn % 2 else (second, first)
        return known[0] / unknown[0], known[1] / unknown[1]

    def alike(series: Iterable[float]) -> bool:
        return 0.85 < statistics.median(series) < 1.15

    for turn in range(4):
        await ratios(turn)
    tried = []
    for _ in range(3):
        elapsed, used = zip(*[await ratios(turn) for turn in range(ROUNDS)], strict=True)
        tried.append((statistics.median(elapsed), statistics.median(used)))
        if alike(elapsed) and alike(used):
            return
    raise AssertionError(f"medians of known to unknown, elapsed and processor's: {tried}")


@pytest.mark.portable
async def test_the_hundredth_failure_in_a_row_locks_and_a_success_begins_anew(client, timed, org: Org, ann) -> None:
    async def failures(change: Callable[[Password], None] | None = None) -> int:
        async with timed.works.begin(org.id, SYSTEM) as work:
            password = (await work.session.scalars(select(Password).where(Password.id == ann.id))).one()
            if change is not None:
                change(password)
            return password.failures

    async def attempt(password: str) -> int:
        return (await client.post(LOGIN, json={"email": ann.email, "password": password})).status_code

    assert [await attempt("wrong"), await attempt("wrong")] == [401, 401]
    assert await failures() == 2
    assert await attempt(PASSWORD) == 200
    assert await failures() == 0
    await failures(lambda password: setattr(password, "failures", 98))
    assert [await attempt("wrong"), await attempt(PASSWORD)] == [401, 200]
    await failures(lambda password: setattr(password, "failures", 99))
    assert [await attempt("wrong"), await attempt(PASSWORD)] == [401, 401]
    users = (await client.get("/api/v1/users?status=locked", headers=org.admin.bearer)).json()["data"]
    assert [user["id"] for user in users] == [str(ann.id)]
    url = f"/api/v1/users/{ann.id}/status"
    assert (await client.patch(url, json={"status": "active"}, headers=org.admin.bearer)).status_code == 200
    assert await attempt(PASSWORD) == 200


@pytest.mark.portable
async def test_the_right_password_of_a_suspended_user_is_no_wrong_password_in_the_trail(client, timed, org) -> None:
    victim = await add_caller(org, "Viewer", password=PASSWORD)
    url = f"/api/v1/users/{victim.id}/status"
    assert (await client.patch(url, json={"status": "suspended"}, headers=org.admin.bearer)).status_code == 200
    assert (await client.post(LOGIN, json={"email": victim.email, "password": PASSWORD})).status_code == 401
    found = await client.get("/api/v1/audit/entries?outcome=failed", headers=org.auditor.bearer)
    [entry] = found.json()["data"]
    entry = (await client.get(f"/api/v1/audit/entries/{entry['id']}", headers=org.auditor.bearer)).json()
    assert (entry["entity_id"], entry["reason"]) == (str(victim.id), "the user is not active")
    async with timed.works.begin(org.id, SYSTEM) as work:
        password = (await work.session.scalars(select(Password).where(Password.id == victim.id))).one()
        assert password.failures == 0
