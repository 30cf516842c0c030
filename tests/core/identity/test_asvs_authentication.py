"""Authentication, by the numbers of the checklist that was drawn from OWASP ASVS 5.0.0 (in brackets its requirements).

7 is in test_setup.py and in the refusal of demo accounts; 11 in tests/kernel. 12, 14 and 17 stand in
test_factors_in_processes.py once more, against four processes.
"""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from authenticator import Authenticator, enrol, give_authenticator, link_sent, outbox, set_policy
from callers import Caller, add_caller
from clients import address
from holdfast.core.identity import guards
from holdfast.core.identity.models import Password, RecoveryCode
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation, create_app, open_installation
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, CHANGE, ME = "/api/v1/auth/login", "/api/v1/auth/password", "/api/v1/auth/me"
FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"
VERIFY, CONFIRM = "/api/v1/auth/mfa/verify", "/api/v1/auth/mfa/totp/confirm"
AGENTS = {"User-Agent": "another browser"}


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def sign_in(client: httpx.AsyncClient, caller: Caller, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await client.post(LOGIN, json={"email": caller.email, "password": password, **more})


async def change(client: httpx.AsyncClient, caller: Caller, new: str, current: str = PASSWORD) -> httpx.Response:
    return await client.post(CHANGE, json={"current_password": current, "new_password": new}, headers=caller.bearer)


async def waiting(client: httpx.AsyncClient, caller: Caller) -> str:
    return (await sign_in(client, caller)).json()["mfa_token"]


async def verify(client: httpx.AsyncClient, token: str, **shown: str) -> httpx.Response:
    return await client.post(VERIFY, json={"mfa_token": token, **shown})


async def forgotten(client: httpx.AsyncClient, timed: Installation, org: Org, caller: Caller) -> str:
    assert (await client.post(FORGOT, json={"email": caller.email})).status_code == 202
    return await link_sent(timed, org)


# ── passwords ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.served
async def test_01_fifteen_characters_alone_eight_beside_a_second_factor(client, timed, org, bea) -> None:
    """(6.2.1; NIST SP 800-63B-4, 3.1.1.2)."""
    assert (await change(client, bea, "fourteen chars")).status_code == 422
    assert (await change(client, bea, "fifteen charact")).status_code == 204
    assert (await change(client, bea, "8 chars!", "fifteen charact")).status_code == 422
    await enrol(client, timed, bea)
    assert (await change(client, bea, "7 chars", "fifteen charact")).status_code == 422
    assert (await change(client, bea, "8 chars!", "fifteen charact")).status_code == 204
    cyd = await add_caller(org, "Auditor", password=PASSWORD)
    assert (await change(client, cyd, "8 chars!")).status_code == 422
    await set_policy(timed, org, mfa_roles=["Auditor"])
    assert (await change(client, cyd, "8 chars!")).status_code == 204, "the organisation asks for a second factor"


@pytest.mark.parametrize("length", [64, 1000])
@pytest.mark.served
async def test_02_long_passwords_work_and_their_last_character_matters(length: int, client, bea) -> None:
    """(6.2.8, 6.2.9)."""
    new = ("plum otter " * 100)[: length - 1] + "z"
    assert (await change(client, bea, new)).status_code == 204
    assert (await sign_in(client, bea, new)).status_code == 200
    assert (await sign_in(client, bea, new[:-1] + "y")).status_code == 401
    assert (await sign_in(client, bea, new[:-1])).status_code == 401


@pytest.mark.served
async def test_03_emoji_blanks_and_case_are_kept_exactly(client, bea) -> None:
    """(6.2.5, 6.2.8)."""
    new = "  Hedgehog 🦔 über ſtone  "
    assert (await change(client, bea, new)).status_code == 204
    assert (await sign_in(client, bea, new)).status_code == 200
    for close in (new.strip(), new.lower(), new.replace("ſ", "s"), new.replace("🦔", "")):
        assert (await sign_in(client, bea, close)).status_code == 401, close


@pytest.mark.served
async def test_04_common_passwords_are_refused_at_change_and_reset(client, timed, org, bea) -> None:
    """(6.2.4, 6.2.12). Every one of the list in test_password_rules.py; here the ways in, with the shortest rule."""
    await give_authenticator(timed, org, bea.id)
    token = await forgotten(client, timed, org, bea)
    listed = sorted(guards.common_passwords())
    assert len(listed) >= 3000
    for common in ["password1", "qwertyuiop", "iloveyou1", "TRUSTNO1", *listed[7::2400]]:
        weak = [await change(client, bea, common)]
        weak.append(await client.post(RESET, json={"token": token, "new_password": common}))
        for answer in weak:
            assert (answer.status_code, answer.json()["code"]) == (422, "WEAK_PASSWORD"), common
            assert answer.json()["errors"][0]["location"] == "body.new_password"
    assert (await sign_in(client, bea)).status_code == 200


@pytest.mark.served
async def test_05_the_names_around_a_password_are_refused_in_it(client, timed, org, bea) -> None:
    """(6.2.11)."""
    names = (f"Org {org.slug}", org.slug, "Holdfast", bea.email.partition("@")[0], "someone")
    for name in names:
        for password in (f"the secret of {name} is this", f"{name.upper()}--2026--{name}"):
            assert (await change(client, bea, password)).status_code == 422, password


@pytest.mark.served
async def test_06_a_change_demands_the_present_password(client, bea) -> None:
    """(6.2.3)."""
    url, new = f"/api/v1/users/{bea.id}/password", "stone under the seventh bridge"
    for body in ({"new_password": new}, {"current_password": "", "new_password": new}):
        for method, path in (("POST", CHANGE), ("PATCH", url)):
            assert (await client.request(method, path, json=body, headers=bea.bearer)).status_code == 422
    for method, path in (("POST", CHANGE), ("PATCH", url)):
        body = {"current_password": "wrong " + PASSWORD, "new_password": new}
        refused = await client.request(method, path, json=body, headers=bea.bearer)
        assert (refused.status_code, refused.json()["code"]) == (403, "WRONG_PASSWORD")
    assert (await sign_in(client, bea)).status_code == 200


# ── what an answer tells, and how often one may ask ──────────────────────────────────────────────────────────────────


@pytest.mark.served
async def test_08_a_forgotten_password_tells_nothing(client, org, bea) -> None:
    """(6.3.8) Status, body and headers; signing in is in test_alike.py, and so is how its time is compared."""
    told = []
    for email in (bea.email, "nobody@nowhere.test"):
        answer = await client.post(FORGOT, json={"email": email})
        varying = {"x-request-id", "ratelimit", "date"}
        headers = {name: value for name, value in answer.headers.items() if name not in varying}
        told.append((answer.status_code, answer.content, headers))
    assert told[0] == told[1]
    assert told[0][0] == 202


async def test_08_a_forgotten_password_takes_the_same_time_for_known_and_unknown(client, org, bea) -> None:
    """(6.3.8) As in test_alike.py: rounds ask for both, the median of their ratios counts, one good series of three."""

    async def cost(email: str) -> tuple[float, float]:
        elapsed, used = time.perf_counter(), time.process_time()
        assert (await client.post(FORGOT, json={"email": email})).status_code == 202
        return time.perf_counter() - elapsed, time.process_time() - used

    async def ratios(turn: int) -> tuple[float, float]:
        names = [bea.email, "nobody@nowhere.test"]
        first, second = [await cost(name) for name in (names if turn % 2 else names[::-1])]
        known, unknown = (first, second) if turn % 2 else (second, first)
        return known[0] / unknown[0], known[1] / unknown[1]

    for turn in range(4):
        await ratios(turn)
    tried = []
    for _ in range(3):
        elapsed, used = zip(*[await ratios(turn) for turn in range(30)], strict=True)
        tried.append((statistics.median(elapsed), statistics.median(used)))
        if all(0.8 < each < 1.25 for each in tried[-1]):
            return
    raise AssertionError(f"medians of known to unknown, elapsed and processor's: {tried}")


@pytest.fixture
async def limited(home: Installation) -> AsyncIterator[Callable[[], Awaitable[httpx.AsyncClient]]]:
    """Give clients of another process with the limits as they are, each at an address of its own."""
    async with AsyncExitStack() as stack:
        process = open_installation(home.settings)
        stack.push_async_callback(process.close)
        app = create_app(home.settings, process)

        async def client() -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app, client=address())
            return await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
            )

        yield client


@pytest.mark.parametrize("kind", ["token", "cookie"])
async def test_09_strangers_who_guess_are_slowed_and_a_known_device_comes_in(kind: str, limited, org, bea) -> None:
    """(6.1.1, 6.3.1) Ten wrong passwords from elsewhere; the account's owner does not notice."""
    owner, stranger, newcomer = await limited(), await limited(), await limited()
    assert (await sign_in(owner, bea, session=kind)).status_code == 200
    answers = [await sign_in(stranger, bea, f"wrong {turn}", session=kind) for turn in range(14)]
    assert [answer.status_code for answer in answers[:9]] == [401] * 9
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await sign_in(newcomer, bea, session=kind)).status_code == 429, "the right password from an unknown device"
    assert (await sign_in(owner, bea, session=kind)).status_code == 200
    # The device's own allowance has an end too.
    own = [(await sign_in(owner, bea, f"wrong {turn}", session=kind)).status_code for turn in range(14)]
    assert own[-1] == 429


async def test_09_a_device_cannot_be_made_up_nor_used_for_another_account(limited, org, bea) -> None:
    owner, stranger = await limited(), await limited()
    ann = await add_caller(org, "Viewer", password=PASSWORD)
    await sign_in(owner, ann, session="cookie")
    cookie = owner.cookies["holdfast-device"]
    for _ in range(14):
        last = await sign_in(stranger, bea, "wrong", session="cookie")
    assert last.status_code == 429
    for made_up in (cookie, cookie[:-4] + "AAAA", "A" * 43, "x", ""):
        stranger.cookies.clear()
        header = {"Cookie": f"holdfast-device={made_up}"}
        body = {"email": bea.email, "password": PASSWORD, "session": "cookie"}
        assert (await stranger.post(LOGIN, json=body, headers=header)).status_code == 429, made_up


async def test_10_many_accounts_from_one_address_are_slowed_and_a_success_forgets_nothing(limited, org, bea) -> None:
    """(6.3.1; django-allauth 65.8.1)."""
    client = await limited()
    statuses = []
    for turn in range(45):
        body = {"email": f"x{turn}@{org.slug}.test", "password": "password1"}
        if turn == 20:
            body = {"email": bea.email, "password": PASSWORD}
        statuses.append((await client.post(LOGIN, json=body)).status_code)
    assert statuses[20] == 200
    assert 429 in statuses[30:], "the good sign-in began the count anew"
    assert statuses[:20] == [401] * 20


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_12_a_code_is_good_once(client, timed, org, hands, bea) -> None:
    """(6.5.1)."""
    app, _ = await give_authenticator(timed, org, bea.id)
    code = app.code()
    assert (await verify(client, await waiting(client, bea), code=code)).status_code == 200
    assert (await verify(client, await waiting(client, bea), code=code)).status_code == 401
    assert (await verify(client, await waiting(client, bea), code=app.code(-1))).status_code == 401, "an earlier step"
    refused = await client.post("/api/v1/auth/step-up", json={"code": code}, headers=bea.bearer)
    assert refused.status_code == 403
    hands.forward(seconds=30)
    assert (await verify(client, await waiting(client, bea), code=app.code())).status_code == 200


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
@pytest.mark.served
async def test_13_codes_of_the_neighbouring_steps_count_by_the_servers_clock(
    steps: int, good: bool, client, timed, org, hands, bea
) -> None:
    """(6.5.5, 6.5.8)."""
    app, _ = await give_authenticator(timed, org, bea.id)
    token = await waiting(client, bea)
    answer = await verify(client, token, code=app.code(steps))
    assert answer.status_code == (200 if good else 401)
    headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    old = Authenticator(app.secret, app.clock).code(-200)
    body = {"mfa_token": await waiting(client, bea), "code": old}
    assert (await client.post(VERIFY, json=body, headers=headers)).status_code == 401


@pytest.mark.served
async def test_14_six_wrong_codes_stop_the_sign_in(client, timed, org, bea) -> None:
    """(6.6.3)."""
    app, codes = await give_authenticator(timed, org, bea.id)
    token = await waiting(client, bea)
    wrong = [await verify(client, token, code=app.wrong()) for _ in range(4)]
    wrong += [await verify(client, token, recovery_code=code) for code in ("abcdef", "ghijkl")]
    assert {answer.status_code for answer in wrong} == {401}
    assert [answer.json()["code"] for answer in wrong] == ["CODE_REFUSED"] * 5 + ["SIGN_IN_OVER"]
    for shown in ({"code": app.code()}, {"recovery_code": codes[0]}):
        over = await verify(client, token, **shown)
        assert (over.status_code, over.json()["code"]) == (401, "SIGN_IN_OVER")
    found = await client.get("/api/v1/audit/entries?outcome=failed", headers=org.auditor.bearer)
    assert {(each["action"], each["entity_id"]) for each in found.json()["data"]} == {
        ("identity.session.refused", str(bea.id))
    }
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        counted = select(Password.failures).where(Password.id == bea.id)
        assert (await work.session.scalars(counted)).one() == 6
    token = await waiting(client, bea)
    assert [(await verify(client, token, code=app.wrong())).status_code for _ in range(5)] == [401] * 5
    assert (await verify(client, token, code=app.code())).status_code == 200, "after five it still waits"


@pytest.mark.served
async def test_15_a_recovery_code_works_once_and_is_kept_as_a_hash(client, timed, org, bea) -> None:
    """(6.5.1, 6.5.2)."""
    _, codes = await enrol(client, timed, bea)
    assert (await verify(client, await waiting(client, bea), recovery_code=codes[3])).status_code == 200
    assert (await verify(client, await waiting(client, bea), recovery_code=codes[3])).status_code == 401
    assert (await verify(client, await waiting(client, bea), recovery_code=codes[4])).status_code == 200
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        kept = (await work.session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == bea.id))).all()
    assert [len(row.code_hash) for row in kept] == [32] * 10
    assert sum(row.used_at is not None for row in kept) == 2
    ann = await add_caller(org, "Viewer", password=PASSWORD)
    await enrol(client, timed, ann)
    assert (await verify(client, await waiting(client, ann), recovery_code=codes[5])).status_code == 401, "another's"


@pytest.mark.served
async def test_16_what_belongs_to_one_sign_in_is_of_no_use_in_another(client, timed, org, bea) -> None:
    """(6.6.2)."""
    ann = await add_caller(org, "Viewer", password=PASSWORD)
    app, _ = await give_authenticator(timed, org, bea.id)
    hers, _ = await give_authenticator(timed, org, ann.id)
    first, second = await waiting(client, bea), await waiting(client, bea)
    other = await waiting(client, ann)
    assert (await verify(client, other, code=app.code())).status_code == 401, "another user's code"
    answer = await verify(client, first, code=app.code())
    assert answer.json()["user"]["id"] == str(bea.id)
    assert (await verify(client, second, code=app.code())).status_code == 401, "the code of the first sign-in"
    assert (await verify(client, first, code=app.code(1))).json()["code"] == "SIGN_IN_OVER"
    mixed = second[:48] + other[48:]  # the row of one with the secret of the other
    assert (await verify(client, mixed, code=hers.code())).json()["code"] == "SIGN_IN_OVER"
    assert (await verify(client, other, code=hers.code())).json()["user"]["id"] == str(ann.id)


# ── resets and notices ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_17_a_reset_is_good_once_for_half_an_hour_and_ends_every_session(client, timed, org, hands, bea) -> None:
    """(6.4.3, 7.4.3) The rest of it, such as the second factor, is in test_password_reset.py."""
    late = await forgotten(client, timed, org, bea)
    hands.forward(minutes=30, seconds=1)
    new = {"new_password": "stone under the seventh bridge"}
    assert (await client.post(RESET, json={"token": late, **new})).status_code == 403
    token = await forgotten(client, timed, org, bea)
    session = (await sign_in(client, bea)).json()
    assert (await client.post(RESET, json={"token": token, **new})).status_code == 204
    assert (await client.get(ME, headers={"Authorization": f"Bearer {session['access_token']}"})).status_code == 401
    renewed = await client.post("/api/v1/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert renewed.status_code == 401
    assert (await client.post(RESET, json={"token": token, **new})).status_code == 403


@pytest.mark.served
async def test_18_an_administrator_neither_sets_nor_learns_a_password(client, timed, org, bea) -> None:
    """(6.4.6)."""
    url = f"/api/v1/users/{bea.id}/password"
    for body in ({"new_password": "stone under the bridge"}, {"password": "stone under the bridge"}):
        assert (await client.patch(url, json=body, headers=org.admin.bearer)).status_code == 422
    sent = await client.patch(url, json={}, headers=org.admin.bearer)
    assert (sent.status_code, set(sent.json())) == (202, {"message"})
    token = await link_sent(timed, org)
    assert [message.to for message in await outbox(timed, org)] == [bea.email]
    trail = await client.get("/api/v1/audit/entries?page_size=200", headers=org.admin.bearer)
    assert token not in trail.text
    for entry in trail.json()["data"]:
        shown = await client.get(f"/api/v1/audit/entries/{entry['id']}", headers=org.admin.bearer)
        assert token not in shown.text


async def test_19_a_user_is_told_of_what_changes(client, timed, org, bea) -> None:
    """(6.3.7)."""

    async def told() -> list[str]:
        return [message.subject for message in await outbox(timed, org) if message.to == bea.email]

    new_sign_in = f"A new sign-in to Org {org.slug}"
    await sign_in(client, bea)
    assert await told() == [new_sign_in]
    await sign_in(client, bea)
    assert await told() == [new_sign_in], "from where one was before nothing is told"
    await client.post(LOGIN, json={"email": bea.email, "password": PASSWORD}, headers=AGENTS)
    await sign_in(client, bea, session="cookie")
    await sign_in(client, bea, session="cookie")
    assert await told() == [new_sign_in] * 3, "another program, and a browser once"
    client.cookies.clear()
    await sign_in(client, bea, session="cookie")
    assert await told() == [new_sign_in] * 4, "a browser without the cookie"
    client.cookies.clear()
    await enrol(client, timed, bea)
    await client.post("/api/v1/auth/mfa/recovery-codes", headers=bea.bearer)
    await client.delete("/api/v1/auth/mfa/totp", headers=bea.bearer)
    await change(client, bea, "stone under the seventh bridge")
    assert (await told())[4:] == ["Your second factor was changed"] * 3 + ["Your password was changed"]


# ── the places where secrets must not be ─────────────────────────────────────────────────────────────────────────────


async def test_37_no_secret_is_in_an_address_or_in_the_log(client, timed, org, bea, capfd) -> None:
    """(14.2.1) What the flows of this page write to the log."""
    app, codes = await give_authenticator(timed, org, bea.id)
    waits = await waiting(client, bea)
    await verify(client, waits, code=app.wrong())
    await verify(client, waits, recovery_code=codes[0])
    token = await forgotten(client, timed, org, bea)
    page = await client.get("/console/reset-password")
    assert page.status_code == 200
    await client.post(RESET, json={"token": token, "new_password": "stone under the seventh bridge"})
    out, err = capfd.readouterr()
    for secret in (waits, token, codes[0], app.secret, "seventh bridge", PASSWORD):
        assert secret not in out + err
        assert secret not in page.text
    script = Path(guards.__file__).parent / "static" / "link.js"
    assert "location.hash" in script.read_text()
