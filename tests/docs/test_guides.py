"""The guides run as they are written, on an installation that is made for each, and answer what they show."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from walking import ADDRESS, ROOT, Step, Walk, printed, steps

from authenticator import give_authenticator
from clients import client_of
from holdfast.core.identity.models import UserStatus
from holdfast.core.identity.public import add_user, find_tenant_id
from holdfast.core.identity.queries import find_user_by_name
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.settings.variables import env_names
from holdfast.main import open_installation
from loaded_command import Loaded, loaded
from serving import Served, free_port
from support import PASSWORD, Org

pytestmark = pytest.mark.endpoint

GUIDES = ROOT / "docs" / "guides"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The command in a process that has loaded it."""
    folder = tmp_path_factory.mktemp("command")
    with loaded(folder, _environment(folder)) as made:
        yield made


def _environment(home: Path) -> dict[str, str]:
    """Return this process's environment with no setting of ours but the home."""
    ours = {name for field in Settings.model_fields for name in env_names(field)}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    path = os.pathsep.join(path for path in sys.path if path)
    return kept | {"PYTHONPATH": path, "HOLDFAST_HOME": str(home), "COLUMNS": "200"}


@pytest.fixture
def walk(tmp_path: Path, command: Loaded) -> Walk:
    """Return a shell in an empty folder with `holdfast` and a home of its own."""
    program = tmp_path / "bin" / "holdfast"
    program.parent.mkdir()
    command.write_program(program)
    variables = _environment(tmp_path / "home") | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    return Walk(tmp_path, variables, sources=SOURCES | {"what the authenticator shows": Codes()})


@pytest.fixture
def serve(walk: Walk) -> Iterator[Callable[[Step], None]]:
    """Yield what does the step `holdfast serve`: the server goes on until the test ends."""
    running: list[Served] = []

    def start(step: Step) -> None:
        port, log = free_port(), walk.folder / "server.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*step.typed.split(), "--port", str(port)],
                stdout=out,
                stderr=subprocess.DEVNULL,
                env=walk.environment,
                cwd=walk.folder,
                start_new_session=True,
            )
        running.append(Served(process, port, log))
        running[0].wait_until_ready()
        walk.url = running[0].url
        told = "\n".join(line for line in running[0].log.splitlines() if "[info" not in line)
        walk.trace(step, told.replace(walk.url, ADDRESS))
        walk.last = {"code": re.search(r"code=(\S+)", told)[1]}
        assert printed(step.shown, told.replace(walk.url, ADDRESS)), told

    yield start
    for served in running:
        served.kill()


class Codes:
    """An authenticator in the reader's hand: each code is another one than the one before."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, walk: Walk) -> str:
        code = pyotp.TOTP(walk.known["SECRET"]).at(datetime.now(UTC), counter_offset=self.shown)
        self.shown += 1
        return code


SOURCES = {
    "what follows token= in the link": lambda walk: re.findall(r"token=(\S+)", walk.told)[-1],
    "a day that lies ahead": lambda walk: f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%dT%H:%M:%SZ}",
}


def test_the_first_hour_of_an_administrator(walk: Walk, serve):
    for step in steps((GUIDES / "first-hour-of-an-administrator.md").read_text()):
        serve(step) if step.typed == "holdfast serve" else walk.go(step)
    assert walk.last["data"], "the trail has entries"


def test_the_move_from_an_older_system(walk: Walk):
    page = (GUIDES / "move-from-an-older-system.md").read_text()
    (walk.folder / "accounts.csv").write_text(re.search(r"```csv\n(.*?)```", page, re.DOTALL)[1])
    walk.run("holdfast migrate")
    walk.run(
        "echo 'seven grey herons at dusk' | holdfast create-admin ada@techstart.example --name Ada"
        " --organization techstart --organization-name TechStart --password-stdin"
    )
    for step in steps(page):
        walk.go(step)
    assert "cleo@techstart.example" in walk.told


def test_letting_somebody_in_again(walk: Walk):
    """Ben is locked out and lost his authenticator, Cleo forgot her password."""
    walk.run("holdfast migrate")
    walk.run(
        "echo 'seven grey herons at dusk' | holdfast create-admin ada@example.org --name Ada"
        " --organization example --organization-name Example --password-stdin"
    )
    asyncio.run(_lock_out(Settings(_env_file=None, holdfast_home=walk.folder / "home")))
    page = (GUIDES / "operate.md").read_text()
    for step in steps(page):
        walk.go(step)


async def _lock_out(settings: Settings) -> None:
    home = open_installation(settings)
    try:
        tenant_id = await find_tenant_id(home.works, slug="example")
        hashed = await home.desk.passwords.hash(PASSWORD)
        async with home.works.begin(tenant_id, SYSTEM) as work:
            for name in ("Ben", "Cleo"):
                email, status = f"{name.lower()}@example.org", (UserStatus.LOCKED, UserStatus.ACTIVE)[name == "Cleo"]
                await add_user(work, email=email, name=name, password_hash=hashed, roles=["User"], status=status)
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            ben = await find_user_by_name(work, name_key="ben@example.org")
        await give_authenticator(home, Org(tenant_id, "example", home), ben.id)
        async with client_of(home) as client:
            body = {"email": "cleo@example.org", "organization": "example"}
            asked = await client.post("/api/v1/auth/password/forgot", json=body)
            assert asked.status_code == 202, asked.text
    finally:
        await home.close()
