"""Sealed fields and the keys above them: bound to their place, read from a file or a setting, refused when unreadable."""

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.dialects import sqlite

from holdfast.core.identity.models import Challenge, Totp
from holdfast.core.notify.models import Notice
from holdfast.kernel.crypto import encode
from holdfast.kernel.errors import ConfigurationError, Unavailable
from holdfast.kernel.keys import (
    OVERHEAD,
    Encrypted,
    Keyring,
    MasterKeyMissing,
    Masters,
    SealBroken,
    Sealed,
    TenantSecret,
)
from holdfast.kernel.keys.masters import make_file, put_new_first
from holdfast.kernel.keys.rotation import encrypted_columns
from holdfast.kernel.settings import Settings

pytestmark = pytest.mark.unit
TENANT, ROW = uuid4(), uuid4()


def settings(home: Path, **more: object) -> Settings:
    return Settings(holdfast_home=home, secret_key="kV3pQ9sZ1tR7wY5uM2nB8cL4xJ6hG0dF", _env_file=None, **more)


def test_a_sealed_value_opens_in_its_place_only() -> None:
    secret = TenantSecret.fresh()
    ring = Keyring(TENANT, {1: secret})
    sealed = ring.seal(Totp.secret, ROW, "JBSWY3DP")
    assert ring.open(Totp.secret, ROW, sealed) == b"JBSWY3DP"
    assert ring.open(Totp.__table__.c.secret, ROW, sealed) == b"JBSWY3DP"
    assert len(sealed.raw) == len("JBSWY3DP") + OVERHEAD
    assert b"JBSWY3DP" not in sealed.raw
    assert ring.seal(Totp.secret, ROW, "JBSWY3DP") != sealed, "equal values do not look alike"
    elsewhere = (
        lambda: ring.open(Totp.secret, uuid4(), sealed),
        lambda: ring.open(Challenge.enrolment, ROW, sealed),
        lambda: Keyring(uuid4(), {1: secret}).open(Totp.secret, ROW, sealed),
        lambda: Keyring(TENANT, {1: TenantSecret.fresh()}).open(Totp.secret, ROW, sealed),
        *(lambda at=at: ring.open(Totp.secret, ROW, flipped(sealed, at)) for at in (0, 1, 4, 5, 16, 17, -1)),
        *(lambda at=at: ring.open(Totp.secret, ROW, Sealed(sealed.raw[:at])) for at in (0, 1, 5, 17, -1)),
    )
    for attempt in elsewhere:
        with pytest.raises(SealBroken, match=r"a sealed value of (user_totp\.secret|sign_in_challenge\.enrolment)"):
            attempt()


def flipped(sealed: Sealed, at: int) -> Sealed:
    raw = bytearray(sealed.raw)
    raw[at] ^= 1
    return Sealed(bytes(raw))


def test_the_newest_key_seals_and_the_others_open() -> None:
    first, second = TenantSecret.fresh(), TenantSecret.fresh()
    old = Keyring(TENANT, {1: first}).seal(Totp.secret, ROW, "old")
    both = Keyring(TENANT, {1: first, 2: second})
    new = both.seal(Totp.secret, ROW, "new")
    assert both.open(Totp.secret, ROW, old) == b"old"
    late = Keyring(TENANT, {2: second})
    assert late.open(Totp.secret, ROW, new) == b"new"
    with pytest.raises(Unavailable, match="Try again"):
        late.open(Totp.secret, ROW, old)  # sealed anew between the read of the value and that of the keys
    with pytest.raises(SealBroken):
        Keyring(TENANT, {1: first}).open(Totp.secret, ROW, new)


def test_equality_is_blind_and_outlives_rotation() -> None:
    first = TenantSecret.fresh()
    before, after = Keyring(TENANT, {1: first}), Keyring(TENANT, {2: TenantSecret.fresh(first.index)})
    assert before.blind(Totp.secret, "ada") == after.blind(Totp.secret, "ada")
    found = {
        before.blind(Totp.secret, "ada"),
        before.blind(Totp.secret, "bea"),
        before.blind(Notice.payload, "ada"),
        Keyring(uuid4(), {1: first}).blind(Totp.secret, "ada"),
        Keyring(TENANT, {1: TenantSecret.fresh()}).blind(Totp.secret, "ada"),
    }
    assert len(found) == 5, "another text, column, organisation or key gives another index"


def test_an_encrypted_column_refuses_what_is_plain() -> None:
    column = Encrypted(255)
    assert column.process_bind_param(Sealed(b"sealed"), sqlite.dialect()) == b"sealed"
    assert column.process_bind_param(None, sqlite.dialect()) is None
    for plain in ("JBSWY3DP", b"JBSWY3DP"):
        with pytest.raises(TypeError, match="not sealed"):
            column.process_bind_param(plain, sqlite.dialect())
    assert "JBSWY3DP" not in repr(Sealed(b"JBSWY3DP"))


def test_every_encrypted_column_of_an_audited_table_stays_out_of_the_trail() -> None:
    found = encrypted_columns()
    assert {f"{each.table.name}.{each.name}" for each in found} >= {"user_totp.secret", "notice.payload"}
    audited = [each for each in found if each.table.name == "user_totp"]
    assert [each.info.get("audit") for each in audited] == ["secret"]


def test_the_file_is_made_outside_production_for_its_owner_alone(tmp_path: Path) -> None:
    masters = Masters.open(settings(tmp_path))
    file = tmp_path / "master_keys"
    assert not file.exists(), "to look at an installation makes nothing"
    assert len(masters.current) == 16
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert masters.file == file
    assert Masters.open(settings(tmp_path)).ids == masters.ids, "made once"
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {file}"):
        assert Masters.open(settings(tmp_path)).current


def test_production_makes_no_key_of_its_own(tmp_path: Path) -> None:
    strict = settings(tmp_path, environment="production", database_url="postgresql://app@127.0.0.1/app").model_copy()
    with pytest.raises(ConfigurationError, match=r"MASTER_KEY is required in production.*holdfast keys init"):
        Masters.open(strict)
    assert not (tmp_path / "master_keys").exists()
    made = make_file(tmp_path)
    assert Masters.open(strict).ids == made.ids
    with pytest.raises(ConfigurationError, match="is there already"):
        make_file(tmp_path)
    assert Masters.open(strict).ids == made.ids


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("short", "MASTER_KEY: key 1 is not 32 bytes"),
        (f"{encode(b'k' * 32)},", "MASTER_KEY: key 2 is not 32 bytes"),
        (f"{encode(b'k' * 32)},{encode(b'k' * 31)}", "MASTER_KEY: key 2 is not 32 bytes"),
        (encode(b"k" * 32) + "=", "MASTER_KEY: key 1 is not 32 bytes"),
    ],
)
def test_a_master_key_that_is_none_is_refused_by_its_place_and_not_shown(tmp_path: Path, given: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        Masters.open(settings(tmp_path, master_key=given))
    assert given.partition(",")[0] not in str(refused.value)


def test_a_damaged_file_names_the_line(tmp_path: Path) -> None:
    make_file(tmp_path)
    file = tmp_path / "master_keys"
    file.write_text(file.read_text() + "garbage\n")
    with pytest.raises(ConfigurationError, match=f"{file}: key 2"):
        assert Masters.open(settings(tmp_path)).current


def test_the_first_master_key_wraps_and_each_opens_for_its_place(tmp_path: Path) -> None:
    old, new = os.urandom(32), os.urandom(32)
    before = Masters([old])
    master_id, wrapped = before.wrap(b"a tenant's key", tenant_id=TENANT, row_id=ROW)
    after = Masters.open(settings(tmp_path, master_key=f"{encode(new)},{encode(old)}"))
    assert after.unwrap(wrapped, master_id, tenant_id=TENANT, row_id=ROW) == b"a tenant's key"
    assert after.wrap(b"", tenant_id=TENANT, row_id=ROW)[0] == after.current != master_id
    for place in ({"tenant_id": uuid4(), "row_id": ROW}, {"tenant_id": TENANT, "row_id": uuid4()}):
        with pytest.raises(MasterKeyMissing, match="cannot be opened"):
            after.unwrap(wrapped, master_id, **place)
    with pytest.raises(MasterKeyMissing, match=f"master key {master_id} is not among"):
        Masters([new]).unwrap(wrapped, master_id, tenant_id=TENANT, row_id=ROW)


def test_a_running_process_reads_a_new_master_key_from_the_file(tmp_path: Path) -> None:
    running = Masters.open(settings(tmp_path))
    before = running.current
    rotated = put_new_first(tmp_path / "master_keys")
    master_id, wrapped = rotated.wrap(b"key", tenant_id=TENANT, row_id=ROW)
    assert master_id != before
    assert running.unwrap(wrapped, master_id, tenant_id=TENANT, row_id=ROW) == b"key"
    assert running.ids == (master_id, before)
    assert stat.S_IMODE((tmp_path / "master_keys").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["master_keys"], "nothing is left beside it"
