"""Organisations by command: listing them, and removing for good what was deleted."""

import asyncio
import io

import pytest
from command_line import refused

from holdfast.core.identity.public import find_tenant_id
from holdfast.core.identity.service.platform import delete_organization
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import open_installation

pytestmark = pytest.mark.service


@pytest.fixture
def organizations(here, monkeypatch) -> tuple[str, ...]:
    """Make two organisations."""
    assert here("migrate").returncode == 0
    for slug in ("left", "stays"):
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
        address = f"ada@{slug}.example"
        made = here("create-admin", address, "--organization", slug, "--organization-name", slug, "--password-stdin")
        assert made.returncode == 0, made.stderr
    return ("left", "stays")


def delete(home, slug: str, *, days: int) -> None:
    """Shut an organisation, as operators do, with a waiting time."""

    async def run() -> None:
        installation = open_installation(Settings(holdfast_home=home, organization_delete_days=days, _env_file=None))
        try:
            tenant_id = await find_tenant_id(installation.works, slug=slug)
            async with installation.works.begin(SYSTEM_TENANT, SYSTEM) as work:
                await delete_organization(work, organization_id=tenant_id, reason="The contract has ended")
        finally:
            await installation.close()

    asyncio.run(run())


def lines(done) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_what_was_deleted_goes_when_its_day_has_come(here, tmp_path, organizations) -> None:
    assert lines(here("organizations", "purge")) == [["0", "organisations", "removed"]]
    assert "Delete it first" in refused(here("organizations", "purge", "--slug", "left"))
    assert refused(here("organizations", "purge", "--slug", "none")) == "none: There is no organisation 'none'."
    delete(tmp_path / "home", "stays", days=3)
    delete(tmp_path / "home", "left", days=0)
    assert "waits until 20" in refused(here("organizations", "purge", "--slug", "stays"))
    listed = {line[0]: line[1:] for line in lines(here("organizations", "list"))[1:]}
    assert {slug: line[0] for slug, line in listed.items()} == {
        "left": "deleting",
        "stays": "deleting",
        "system": "active",
    }
    assert (len(listed["left"]), len(listed["system"])) == (3, 2), "a day where one is set"

    would = lines(here("organizations", "purge", "--dry-run"))
    assert ["user_account", "1"] in would
    assert would[-1] == ["1", "organisation", "would", "be", "removed"]
    done = lines(here("organizations", "purge"))
    assert done[:-1] == would[:-1]
    assert done[-1] == ["1", "organisation", "removed"]
    assert {line[0]: line[1] for line in lines(here("organizations", "list"))[1:]} == {
        "left": "deleted",
        "stays": "deleting",
        "system": "active",
    }
    assert "deleted already" in refused(here("organizations", "purge", "--slug", "left"))


def test_nothing_comes_into_what_is_gone_and_its_trail_is_read(here, tmp_path, monkeypatch, organizations) -> None:
    delete(tmp_path / "home", "left", days=0)
    assert here("organizations", "purge").returncode == 0
    (tmp_path / "people.csv").write_text("number,given_name,family_name\n1,Ann,Other\n")
    said = "The organisation 'left' is deleted: its data are not there any more."
    assert refused(here("people", "import", "people.csv", "--organization", "left")) == said
    assert refused(here("users", "unlock", "ada@left.example", "--organization", "left")) == said
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    made = here("create-admin", "eve@left.example", "--organization", "left", "--password-stdin")
    assert "not there any more" in refused(made)
    trail = lines(here("audit", "entries", "--organization", "left", "--action", "platform.organization.purged"))
    assert [line[1] for line in trail[1:]] == ["platform.organization.purged"]
