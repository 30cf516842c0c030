"""Which passwords are refused, and which hashes of older systems are accepted."""

import os
import sys
import threading

import bcrypt
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from callers import add_caller
from holdfast.core.identity import guards
from holdfast.core.identity.errors import WeakPassword
from holdfast.core.identity.facts import PasswordSet
from holdfast.core.identity.models import Password
from holdfast.core.identity.service.passwords import Passwords
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from support import PASSWORD

LOGIN = "/api/v1/auth/login"
# Made by other programs: htpasswd -B, PHP's password_hash, Python's bcrypt; each of the password beside it.
FOREIGN = {
    "$2a$": "pa55word of old",
    "$2b$": "пароль of the old system",
    "$2y$": "x" * 100,
}


@pytest.mark.unit
def test_common_passwords_are_refused_in_any_case() -> None:
    listed = guards.common_passwords()
    assert len(listed) > 11_000
    assert all(len(each) >= 8 and each == each.casefold() for each in listed)
    for common in [*sorted(listed)[::40], "Password1", "1QAZ2WSX3EDC", "ｐａｓｓｗｏｒｄ１"]:
        for password in {common, common.upper()}:
            verdict = guards.can_be_password(password, minimum=8, context=())
            assert isinstance(verdict, WeakPassword), password
    assert guards.can_be_password("plum-otter-47-quietly", minimum=15, context=()) is None


@pytest.mark.unit
@pytest.mark.parametrize("head", FOREIGN)
async def test_bcrypt_hashes_are_verified_and_outdated(head: str) -> None:
    passwords = Passwords(Settings(secret_key="x" * 40, environment="test", _env_file=None))
    try:
        password = FOREIGN[head]
        stored = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode().replace("$2b$", head)
        assert await passwords.verify(stored, password)
        assert not await passwords.verify(stored, password.upper())
        assert passwords.outdated(stored)
        assert await passwords.verify(stored, "x" * 72) is (password == "x" * 100), "bcrypt reads 72 bytes"
        for broken in (head, f"{head}10$", f"{head}99${'a' * 53}", stored[:-3], "$2x$" + stored[4:], "", "plain"):
            assert not await passwords.verify(broken, password), broken
    finally:
        passwords.close()


@pytest.mark.unit
async def test_a_hash_that_another_program_made_is_verified() -> None:
    """Vectors of the bcrypt authors (openwall crypt_blowfish, wrapper.c)."""
    passwords = Passwords(Settings(secret_key="x" * 40, environment="test", _env_file=None))
    try:
        vectors = {
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
            "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK": "U*U*",
            "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a": "U*U*U",
        }
        for stored, password in vectors.items():
            assert await passwords.verify(stored, password), stored
            assert not await passwords.verify(stored, password + "*"), stored
    finally:
        passwords.close()


@pytest.mark.unit
@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own there")
async def test_hashing_lets_everything_else_go_first(monkeypatch) -> None:
    seen: list[int] = []
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def verify(*_: object) -> bool:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    passwords = Passwords(Settings(secret_key="x" * 40, environment="test", _env_file=None))
    try:
        assert await passwords.verify("$argon2id$", "whatever")
        own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        assert seen == [10]
        assert own == before, "the event loop keeps its own"
    finally:
        passwords.close()


@pytest.mark.endpoint
@pytest.mark.portable
@pytest.mark.parametrize("old", ["bcrypt", "argon2"])
async def test_the_first_sign_in_with_a_foreign_hash_makes_one_of_ours(old, client, timed, org) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    if old == "argon2":
        hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2).hash(PASSWORD)
    bea = await add_caller(org, "Viewer", password=PASSWORD)

    async def stored() -> str:
        async with timed.works.begin(org.id, SYSTEM, write=False) as work:
            return (await work.session.scalars(select(Password.hash).where(Password.id == bea.id))).one()

    async with timed.works.begin(org.id, SYSTEM) as work:
        row = (await work.session.scalars(select(Password).where(Password.id == bea.id))).one()
        row.hash = hashed
        work.record(PasswordSet(entity=row))
    wrong = await client.post(LOGIN, json={"email": bea.email, "password": "wrong"})
    assert wrong.status_code == 401
    assert await stored() == hashed
    for _ in range(2):
        answer = await client.post(LOGIN, json={"email": bea.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        ours = await stored()
        assert ours.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert not timed.desk.passwords.outdated(ours)
    found = await client.get("/api/v1/audit/entries?action=identity.password.rehashed", headers=org.auditor.bearer)
    assert [each["entity_id"] for each in found.json()["data"]] == [str(bea.id)], "once"
