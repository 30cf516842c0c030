"""What becomes of the bytes when an organisation goes for good."""

from dataclasses import replace
from datetime import timedelta

import pytest
from buckets import bucket_of
from sqlalchemy import select
from uploads import PDF, PNG, made

from background import quick, until, working
from clients import client_of
from holdfast.core.files.service.cabinet import SLOT, cabinet_of
from holdfast.core.identity.public import purge_due
from holdfast.core.identity.service.platform import delete_organization
from holdfast.core.identity.service.purging import purge_organization
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.storage import StorageUnavailable
from holdfast.kernel.tenancy import SYSTEM_TENANT
from support import installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


async def held(home, org) -> int:
    return len([each async for each in cabinet_of(home.works).storage.find(f"{org.id}/")])


async def leave(home, org) -> None:
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await delete_organization(work, organization_id=org.id, reason="The contract has ended")


@pytest.mark.parametrize("where", ["local", "s3"])
async def test_the_bytes_of_an_organisation_go_with_its_rows(client, org, other, home, monkeypatch, request, where):
    if where == "s3":
        storage = bucket_of(request.getfixturevalue("moto"))
        monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), storage=storage))
    for each in (org, other):
        await made(client, each, PNG, "a.png")
        await made(client, each, PDF, "a.pdf")
    await leave(home, org)
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(days=31))
    gone = [each async for each in purge_due(home.works, slug=org.slug)]
    assert [(each.slug, each.fault) for each in gone] == [(org.slug, None)]
    assert (await held(home, org), await held(home, other)) == (0, 2)


async def test_bytes_that_could_not_be_removed_with_the_rows_go_by_a_job(dialect, monkeypatch):
    async with installation_on(dialect) as home, client_of(home) as client:
        quick(home)
        org, other = await make_org(home), await make_org(home)
        await made(client, org, b"\0\1\2", "a.bin")
        await made(client, other, b"\0\1\2", "a.bin")
        await leave(home, org)
        clock = home.works.clock
        monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(days=31))
        storage = cabinet_of(home.works).storage

        class Away(type(storage)):
            async def delete(self, *keys: str) -> None:
                raise StorageUnavailable("The storage is away.")

        monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), storage=Away(storage.root)))
        [told] = [each async for each in purge_due(home.works, slug=org.slug)]
        assert told.fault.startswith("The storage is away.")
        monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), storage=storage))
        assert await held(home, org) == 1
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            # One for an organisation that is there must do nothing.
            clearing = [await work.enqueue(JOBS["files.store.clear"], organization_id=each.id) for each in (other, org)]
        async with working(home):
            for each in clearing:
                assert (await until(home, SYSTEM_TENANT, each)).state == "done"
        assert (await held(home, org), await held(home, other)) == (0, 1)


async def test_who_removes_the_rows_by_the_api_leaves_the_bytes_to_a_job(client, org, home, monkeypatch):
    await made(client, org, PNG, "a.png")
    await leave(home, org)
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(days=31))
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        assert (await purge_organization(work, organization_id=org.id)).status == "deleted"
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        rows = list(await work.session.scalars(select(JobRow).where(JobRow.name == "files.store.clear")))
    assert {"organization_id": str(org.id)} in [row.ids for row in rows]
