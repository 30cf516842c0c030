"""The second factor: switching it on and off, recovery codes, an administrator's help, and the second step of sign-in."""

import httpx
import pytest
from sqlalchemy import select

from authenticator import Authenticator, enrol, give_authenticator, outbox, set_policy
from callers import Caller, add_caller
from holdfast.core.directory.facts import CompanyCreated
from holdfast.core.directory.models import Company
from holdfast.core.identity.facts import RoleAssigned, UserCreated
from holdfast.core.identity.models import (
    Challenge,
    Password,
    RecoveryCode,
    Role,
    RoleAssignment,
    ScopeKind,
    Session,
    Totp,
)
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, TOKEN, VERIFY, ME = "/api/v1/auth/login", "/api/v1/auth/token", "/api/v1/auth/mfa/verify", "/api/v1/auth/me"
MFA, TOTP = "/api/v1/auth/mfa", "/api/v1/auth/mfa/totp"
CONFIRM, CODES = f"{TOTP}/confirm", f"{MFA}/recovery-codes"


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def sign_in(client: httpx.AsyncClient, caller: Caller, **more: str) -> httpx.Response:
    return await client.post(LOGIN, json={"email": caller.email, "password": PASSWORD, **more})


async def waiting(client: httpx.AsyncClient, caller: Caller, **more: str) -> str:
    answer = await sign_in(client, caller, **more)
    assert answer.json()["mfa_required"] is True, answer.text
    return answer.json()["mfa_token"]


async def verify(client: httpx.AsyncClient, token: str, **shown: str) -> httpx.Response:
    return await client.post(VERIFY, json={"mfa_token": token, **shown})


async def told(client: httpx.AsyncClient, org: Org, caller: Caller) -> list[str]:
    found = await client.get(f"/api/v1/audit/entries?actor_id={caller.id}&page_size=50", headers=org.auditor.bearer)
    return [each["action"] for each in found.json()["data"]]


# ── on and off ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_switched_on_by_the_first_code_and_off_again(client, timed, org, hands, bea) -> None:
    assert (await client.get(MFA)).status_code == 401
    off = {"totp": False, "confirmed_at": None, "recovery_codes_left": 0, "required": False}
    assert (await client.get(MFA, headers=bea.bearer)).json() == off
    made = (await client.post(TOTP, headers=bea.bearer)).json()
    assert set(made) == {"secret", "otpauth_uri"}
    assert len(made["secret"]) == 32
    assert made["otpauth_uri"].startswith("otpauth://totp/Holdfast:")
    assert made["secret"] in made["otpauth_uri"]
    assert (await client.get(MFA, headers=bea.bearer)).json() == off, "pending is off"
    assert "access_token" in (await sign_in(client, bea)).json()

    app = Authenticator(made["secret"], timed.works.clock)
    wrong = await client.post(CONFIRM, json={"code": app.wrong()}, headers=bea.bearer)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "WRONG_CODE")
    codes = (await client.post(CONFIRM, json={"code": app.code()}, headers=bea.bearer)).json()["recovery_codes"]
    assert len(set(codes)) == 10
    on = (await client.get(MFA, headers=bea.bearer)).json()
    assert (on["totp"], on["recovery_codes_left"]) == (True, 10)
    again = await client.post(TOTP, headers=bea.bearer)
    assert (again.status_code, again.json()["code"]) == (409, "SECOND_FACTOR_EXISTS")
    assert "mfa_token" in (await sign_in(client, bea)).json()

    assert (await client.delete(TOTP, headers=bea.bearer)).status_code == 204
    assert (await client.get(MFA, headers=bea.bearer)).json() == off
    assert "access_token" in (await sign_in(client, bea)).json()
    for method, url in (("DELETE", TOTP), ("POST", CODES)):
        gone = await client.request(method, url, headers=bea.bearer)
        assert (gone.status_code, gone.json()["code"]) == (409, "NO_SECOND_FACTOR")
    acts = await told(client, org, bea)
    assert {"identity.mfa.enrolled", "identity.mfa.confirmed", "identity.mfa.removed"} <= set(acts)
    assert acts.count("identity.recovery_code.issued") == acts.count("identity.recovery_code.ended") == 10
    notices = [each.text for each in await outbox(timed, org) if each.subject.startswith("Your second factor")]
    assert ["switched on" in notices[0], "switched off" in notices[1]] == [True, True]


async def test_every_change_of_it_asks_who_it_is(client, timed, org, hands, bea) -> None:
    await give_authenticator(timed, org, bea.id)
    lost = await add_caller(org, "Viewer")
    await give_authenticator(timed, org, lost.id)
    hands.forward(minutes=10, seconds=1)
    asked = [
        ("POST", TOTP, bea),
        ("POST", CONFIRM, bea),
        ("DELETE", TOTP, bea),
        ("POST", CODES, bea),
        ("DELETE", f"/api/v1/users/{lost.id}/mfa", org.admin),
    ]
    for method, url, caller in asked:
        body = {"json": {"code": "123456"}} if url == CONFIRM else {}
        answer = await client.request(method, url, headers=caller.bearer, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "STEP_UP_REQUIRED"), url
    assert (await client.get(MFA, headers=bea.bearer)).json()["recovery_codes_left"] == 10


async def test_new_recovery_codes_end_the_old_ones(client, timed, org, bea) -> None:
    _, old = await enrol(client, timed, bea)
    new = (await client.post(CODES, headers=bea.bearer)).json()["recovery_codes"]
    assert not set(new) & set(old)
    assert (await verify(client, await waiting(client, bea), recovery_code=old[0])).status_code == 401
    assert (await verify(client, await waiting(client, bea), recovery_code=new[0])).status_code == 200
    assert (await client.get(MFA, headers=bea.bearer)).json()["recovery_codes_left"] == 9


async def test_an_answer_with_secrets_is_given_again_without_them(client, timed, bea) -> None:
    key = {**bea.bearer, "Idempotency-Key": "once"}
    made, again = await client.post(TOTP, headers=key), await client.post(TOTP, headers=key)
    assert made.json()["secret"]
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == {"secret": None, "otpauth_uri": None}
    app = Authenticator(made.json()["secret"], timed.works.clock)
    key = {**bea.bearer, "Idempotency-Key": "confirm"}
    body = {"code": app.code()}
    confirmed = await client.post(CONFIRM, json=body, headers=key)
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert (await client.post(CONFIRM, json=body, headers=key)).json() == {"recovery_codes": None}


async def test_the_database_keeps_no_secret_and_no_code_that_it_can_read(client, timed, org, bea) -> None:
    app, codes = await enrol(client, timed, bea)
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        totp = (await work.session.scalars(select(Totp).where(Totp.id == bea.id))).one()
        kept = (await work.session.scalars(select(RecoveryCode))).all()
    assert app.secret.encode() not in totp.secret.raw
    for code in codes:
        plain = code.replace("-", "").upper().encode()
        assert len(plain) * 5 >= 100, "bits"
        assert not any(plain in row.code_hash or plain.lower() in row.code_hash for row in kept)
    assert len({row.code_hash for row in kept}) == 10


async def test_an_administrator_helps_who_lost_it(client, timed, org, other, bea) -> None:
    await give_authenticator(timed, org, bea.id)
    token, url = await waiting(client, bea), f"/api/v1/users/{bea.id}/mfa"
    assert (await client.delete(url)).status_code == 401
    assert (await client.delete(url, headers=org.viewer.bearer)).status_code == 403
    assert (await client.delete(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 409
    over = await verify(client, token, code="123456")
    assert over.json()["code"] == "SIGN_IN_OVER", "what waited does not come in without"
    assert "access_token" in (await sign_in(client, bea)).json()
    [notice] = [each for each in await outbox(timed, org) if each.subject.startswith("Your second factor")]
    assert notice.to == bea.email
    found = await client.get("/api/v1/audit/entries?action=identity.mfa.removed", headers=org.auditor.bearer)
    assert [each["entity_id"] for each in found.json()["data"]] == [str(bea.id)]


# ── the second step of signing in ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", [False, True])
async def test_the_password_alone_gives_nothing_but_what_the_second_step_needs(form, client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    body = {"username": bea.email, "password": PASSWORD}
    answer = await (client.post(TOKEN, data=body) if form else sign_in(client, bea))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found.pop("mfa_token").startswith("hfm_")
    methods = ["totp", "recovery_code"]
    assert found == {"mfa_required": True, "expires_in": 600, "methods": methods, "enrolment": None}
    token = answer.json()["mfa_token"]
    for bearer in (token, token.removeprefix("hfm_")):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {bearer}"})).status_code == 401
    tokens = (await verify(client, token, code=app.code())).json()
    assert tokens["recovery_codes"] == []
    assert (await client.get(ME, headers={"Authorization": f"Bearer {tokens['access_token']}"})).status_code == 200
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        session = (await work.session.scalars(select(Session).order_by(Session.signed_in_at.desc()))).first()
        assert (session.user_id, session.second_factor) == (bea.id, True)
    acts = await told(client, org, bea)
    assert acts.index("identity.session.opened") < acts.index("identity.session.challenged")


async def test_a_browser_gets_its_cookies_at_the_second_step(client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    first = await sign_in(client, bea, session="cookie")
    assert "set-cookie" not in first.headers
    answer = await verify(client, first.json()["mfa_token"], code=app.code())
    assert set(answer.json()) == {"user", "csrf_token", "recovery_codes"}
    assert (await client.get(ME)).json()["user"]["id"] == str(bea.id)


async def test_a_sign_in_that_waits_is_over_after_ten_minutes_one_use_or_another_password(
    client, timed, org, hands, bea
) -> None:
    _, codes = await give_authenticator(timed, org, bea.id)
    used = await waiting(client, bea)
    assert (await verify(client, used, recovery_code=codes[0])).status_code == 200
    late = await waiting(client, bea)
    hands.forward(minutes=10, seconds=1)
    changed = await waiting(client, bea)
    body = {"current_password": PASSWORD, "new_password": "stone under the seventh bridge"}
    assert (await client.post("/api/v1/auth/password", json=body, headers=bea.bearer)).status_code == 204
    for token in (used, late, changed, "hfm_" + "A" * 86, "hfm_x", "x"):
        answer = await verify(client, token, recovery_code=codes[1])
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_IN_OVER"), token
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        assert len((await work.session.scalars(select(Challenge))).all()) == 1, "those that are over are deleted"


async def test_whoever_was_suspended_meanwhile_does_not_come_in(client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    token, url = await waiting(client, bea), f"/api/v1/users/{bea.id}/status"
    assert (await client.patch(url, json={"status": "suspended"}, headers=org.admin.bearer)).status_code == 200
    assert (await verify(client, token, code=app.code())).json()["code"] == "SIGN_IN_OVER"


async def test_the_right_password_alone_does_not_forget_wrong_codes(client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    for _ in range(2):
        assert (await verify(client, await waiting(client, bea), code=app.wrong())).status_code == 401
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        counted = select(Password.failures).where(Password.id == bea.id)
        assert (await work.session.scalars(counted)).one() == 2
    assert (await verify(client, await waiting(client, bea), code=app.code())).status_code == 200
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        assert (await work.session.scalars(counted)).one() == 0


# ── asked for by the organisation ────────────────────────────────────────────────────────────────────────────────────


async def test_who_holds_a_role_that_needs_one_makes_it_known_when_signing_in(client, timed, org, hands, bea) -> None:
    await set_policy(timed, org, mfa_roles=["viewer"])
    assert (await client.get(MFA, headers=bea.bearer)).json()["required"] is True
    assert "access_token" in (await sign_in(client, await add_caller(org, "Auditor", password=PASSWORD))).json()
    first = (await sign_in(client, bea)).json()
    assert first["methods"] == ["totp"]
    second = (await sign_in(client, bea)).json()
    app = Authenticator(first["enrolment"]["secret"], timed.works.clock)
    assert app.secret in first["enrolment"]["otpauth_uri"]
    elsewhere = await verify(client, second["mfa_token"], code=app.code())
    assert elsewhere.json()["code"] == "CODE_REFUSED", "the secret belongs to the first sign-in"
    assert (await verify(client, first["mfa_token"], recovery_code="x")).json()["code"] == "CODE_REFUSED"
    used = app.code()
    answer = (await verify(client, first["mfa_token"], code=used)).json()
    assert len(answer["recovery_codes"]) == 10
    assert (await client.get(ME, headers={"Authorization": f"Bearer {answer['access_token']}"})).status_code == 200
    # The second sign-in's secret is of no use any more: the user has an authenticator, and that is asked for.
    late = Authenticator(second["enrolment"]["secret"], timed.works.clock)
    assert (await verify(client, second["mfa_token"], code=late.code())).json()["code"] == "CODE_REFUSED"
    replayed = await verify(client, await waiting(client, bea), code=used)
    assert replayed.json()["code"] == "CODE_REFUSED", "its first code was used"
    hands.forward(seconds=30)
    assert (await verify(client, await waiting(client, bea), code=app.code())).status_code == 200
    kept = answer["recovery_codes"][0]
    assert (await verify(client, await waiting(client, bea), recovery_code=kept)).status_code == 200
    assert any("Your second factor" in each.subject for each in await outbox(timed, org))


async def test_a_role_of_ones_own_within_a_unit_needs_one_too_by_its_present_name(client, timed, org, bea) -> None:
    await set_policy(timed, org, mfa_roles=["Guardian"])
    assert "access_token" in (await sign_in(client, bea)).json()
    async with org.work() as work:
        company = Company(id=work.new_id(), code="A", name="A")
        role = Role(id=work.new_id(), name="Guardian", permissions=[])
        work.session.add_all([company, role])
        work.record(CompanyCreated(entity=company))
        work.record(UserCreated(entity=role))
        await work.flush()
        held = RoleAssignment(
            id=work.new_id(),
            user_id=bea.id,
            role="Its name of old",
            role_id=role.id,
            role_key=str(role.id),
            company_id=company.id,
            scope_kind=ScopeKind.COMPANY,
            scope_key=company.id,
            given_at=work.now(),
        )
        work.session.add(held)
        work.record(RoleAssigned(entity=held))
    assert (await sign_in(client, bea)).json()["methods"] == ["totp"]


async def test_a_role_that_ended_needs_none(client, timed, org, hands, bea) -> None:
    await set_policy(timed, org, mfa_roles=["Viewer"])
    async with timed.works.begin(org.id, SYSTEM) as work:
        held = (await work.session.scalars(select(RoleAssignment).where(RoleAssignment.user_id == bea.id))).one()
        held.ends_at = work.now()
        work.record(RoleAssigned(entity=held))
    hands.forward(seconds=1)
    assert "access_token" in (await sign_in(client, bea)).json()
