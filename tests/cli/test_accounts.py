"""Accounts by command: bringing them in with their hashes, letting people in again, reading what waits."""

import asyncio
import io

import bcrypt
import pytest
from command_line import refused

from holdfast.core.identity.facts import TotpEnrolled, UserStatusChanged
from holdfast.core.identity.models import Totp, UserStatus
from holdfast.core.identity.public import find_tenant_id
from holdfast.core.identity.queries import find_user_by_name
from holdfast.kernel.keys import Sealed
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation

pytestmark = pytest.mark.service
HASH = bcrypt.hashpw(b"an old password of ours", bcrypt.gensalt(4)).decode()
FILE = f"""email,username,name,password_hash,roles,status
ann@example.org,ann,Ann Smith,{HASH},Admin,
ben@example.org,,Ben Jones,,Viewer,
"""


@pytest.fixture
def organization(here, tmp_path, monkeypatch) -> str:
    """Make an organisation of which only the database knows."""
    assert here("migrate").returncode == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    made = here(
        "create-admin",
        "ada@example.org",
        "--organization",
        "example",
        "--organization-name",
        "Example",
        "--password-stdin",
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "accounts.csv").write_text(FILE)
    return "example"


def ask(home, act) -> str:
    """Return what a function says that works on the installation of a home."""

    async def run() -> str:
        settings = Settings(holdfast_home=home, _env_file=None)
        installation = open_installation(settings)
        try:
            tenant_id = await find_tenant_id(installation.works, slug="example")
            async with installation.works.begin(tenant_id, SYSTEM) as work:
                return act(work, await find_user_by_name(work, name_key="ada@example.org"))
        finally:
            await installation.close()

    return asyncio.run(run())


def lock(work, user) -> None:
    user.status = UserStatus.LOCKED
    work.record(UserStatusChanged(entity=user))


def enrol(work, user) -> None:
    totp = Totp(id=user.id, secret=Sealed(b"sealed"), confirmed_at=work.now())
    work.session.add(totp)
    work.record(TotpEnrolled(entity=totp))


def test_accounts_come_in_and_who_has_no_password_is_invited(here, tmp_path, organization) -> None:
    dry = here("users", "import", "accounts.csv", "--organization", organization, "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "2 rows, 0 faults, 2 users would be imported\n"), dry.stderr
    done = here("users", "import", "accounts.csv", "--organization", organization)
    assert (done.returncode, done.stdout) == (0, "2 rows, 0 faults, 2 users imported\n"), done.stderr
    again = here("users", "import", "accounts.csv", "--organization", organization)
    assert again.returncode == 1
    assert "line 2, column email" in again.stdout
    assert HASH not in again.stdout + again.stderr
    waiting = here("notices", "list", "--organization", organization)
    assert waiting.returncode == 0, waiting.stderr
    assert waiting.stdout.startswith("To: ben@example.org\nSubject: Your account at Example\n")
    assert "/console/invitation#token=hfl_" in waiting.stdout
    assert waiting.stdout.endswith("1 message for example\n")


def test_a_lost_second_factor_is_removed(here, tmp_path, organization) -> None:
    none = refused(here("users", "reset-mfa", "ada@example.org", "--organization", organization))
    assert "no second factor" in none
    ask(tmp_path / "home", enrol)
    done = here("users", "reset-mfa", "ada@example.org", "--organization", organization)
    assert (done.returncode, done.stdout) == (0, "ada@example.org has no second factor any more\n"), done.stderr
    assert "second factor" in here("notices", "list", "--organization", organization).stdout
    assert "no second factor" in refused(here("users", "reset-mfa", "ada@example.org", "--organization", organization))


def test_who_was_locked_out_is_let_in_again(here, tmp_path, organization) -> None:
    home = tmp_path / "home"
    free = here("users", "unlock", "ada@example.org", "--organization", organization)
    assert (free.returncode, free.stdout) == (0, "ada@example.org was not locked\n"), free.stderr
    ask(home, lock)
    done = here("users", "unlock", "ADA@example.org", "--organization", organization)
    assert (done.returncode, done.stdout) == (0, "ADA@example.org can sign in again\n"), done.stderr
    assert ask(home, lambda _, user: str(user.status)) == "active"
    assert "no user" in refused(here("users", "unlock", "nobody@example.org", "--organization", organization))
    assert "no organisation" in refused(here("users", "unlock", "ada@example.org", "--organization", "nowhere"))
