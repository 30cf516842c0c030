"""The keys of organisations: made with them, rotated while people work, gone with the data."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from authenticator import give_authenticator
from background import job_of
from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.core.identity import queries
from holdfast.core.identity.jobs import reseal_values
from holdfast.core.identity.models import Totp
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.purging import purge_due
from holdfast.core.identity.service.tenant_keys import list_keys, make_key, reseal_all, rotate_keys
from holdfast.core.notify.models import Notice
from holdfast.core.notify.public import read_outbox
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.keys import KeysEnded, MasterKeyMissing, Masters, SealBroken, TenantKey
from holdfast.kernel.keys.masters import put_new_first
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT, Tenant
from holdfast.main import Installation, open_installation
from support import Org, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def heads(home: Installation, org: Org) -> set[bytes]:
    """Return how the sealed values of an organisation begin."""
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        found = [*await work.session.scalars(select(Totp.secret)), *await work.session.scalars(select(Notice.payload))]
    return {each.raw[:5] for each in found}


async def told(org: Org):
    async with org.work("auditor", write=False) as work:
        found, _ = await browse_entries(work, EntryList(entity_type="tenant_key"))
    return found


async def tell(home: Installation, org: Org, user_id: UUID) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        await notify(work, await queries.get_user(work, user_id=user_id), "new_sign_in")


async def mine(home: Installation, org: Org) -> list[tuple[int, str]]:
    return [(each.number, each.master_id) for each in await list_keys(home.works) if each.organization == org.slug]


async def test_an_organisation_has_a_key_from_its_first_moment_and_no_other_opens_with_it(
    home: Installation, org: Org, other: Org
) -> None:
    assert await mine(home, org) == [(1, home.works.masters.current)]
    assert [each.action for each in await told(org)] == ["platform.tenant_key.made"]
    await give_authenticator(home, org, org.admin.id)
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        totp = await queries.find_totp(work, user_id=org.admin.id)
        assert totp is not None
        assert len((await work.keyring()).open(Totp.secret, totp.id, totp.secret)) == 32
    async with home.works.begin(other.id, SYSTEM, write=False) as work:
        theirs = await work.keyring()
        with pytest.raises(SealBroken):
            theirs.open(Totp.secret, totp.id, totp.secret)


async def test_new_keys_follow_and_everything_is_sealed_anew(home: Installation, org: Org) -> None:
    app, _ = await give_authenticator(home, org, org.admin.id)
    for _ in range(7):
        await tell(home, org, org.admin.id)
    before = [each.text for each in await outbox(home, org)]
    assert await heads(home, org) == {b"\x02\0\0\0\x01"}
    [done] = [each async for each in rotate_keys(home.works, data=True, slug=org.slug)]
    assert (done.tenant_id, done.organization, done.wrapped) == (org.id, org.slug, 0)
    job = await job_of(home, org.id, done.job_id)
    assert (job.name, job.state, job.asked_by) == (reseal_values.name, "ready", None)
    heard = []

    async def hear(count: int, total: int) -> None:
        heard.append((count, total))

    assert await reseal_all(home.works, org.id, tell=hear) == 8
    assert heard[-1] == (8, 8)
    assert await heads(home, org) == {b"\x02\0\0\0\x02"}
    assert [each.text for each in await outbox(home, org)] == before
    assert [number for number, _ in await mine(home, org)] == [2]
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        rows = {row.number: row for row in await work.session.scalars(select(TenantKey))}
        totp = await queries.find_totp(work, user_id=org.admin.id)
        assert totp is not None
        assert (await work.keyring()).open(Totp.secret, totp.id, totp.secret).decode() == app.secret
    assert rows[1].wrapped is None
    assert rows[1].ended_at is not None
    found = await told(org)
    assert sorted(each.action.rpartition(".")[2] for each in found) == ["ended", "made", "made"]
    assert [each.detail for each in found if each.action.endswith("ended")] == [{"resealed": 8}]


async def outbox(home: Installation, org: Org):
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        return await read_outbox(work)


async def test_what_somebody_seals_while_keys_change_is_not_lost(home: Installation, org: Org) -> None:
    """Who has drawn the keys holds them: the rotation waits with ending the old one, and seals anew what was written."""
    drawn, go_on = asyncio.Event(), asyncio.Event()
    row_id = uuid4()

    async def slow() -> None:
        async with home.works.begin(org.id, SYSTEM) as work:
            ring = await work.keyring(sealing=True)
            drawn.set()
            await go_on.wait()
            row = Notice(
                id=row_id,
                user_id=org.admin.id,
                message="identity.new_sign_in",
                created_at=work.now(),
                due_at=work.now(),
            )
            row.payload = ring.seal(Notice.payload, row_id, b"drawn before, written after")
            work.session.add(row)

    async def rotate() -> None:
        async with home.works.begin(org.id, SYSTEM) as work:
            make_key(work, (await queries.list_tenant_keys(work))[-1])
        await reseal_all(home.works, org.id)

    writing = asyncio.create_task(slow())
    await drawn.wait()
    rotating = asyncio.create_task(rotate())
    await asyncio.sleep(0.3)
    assert not rotating.done(), "it waits for who has drawn the old key"
    go_on.set()
    await asyncio.gather(writing, rotating)
    assert [number for number, _ in await mine(home, org)] == [2]
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        [row] = await work.session.scalars(select(Notice).where(Notice.id == row_id))
        opened = (await work.keyring()).open(Notice.payload, row.id, row.payload)
    assert opened == b"drawn before, written after"


async def test_people_write_on_while_keys_change(home: Installation, org: Org) -> None:
    async def write(count: int) -> None:
        for _ in range(count):
            await tell(home, org, org.admin.id)

    async def rotate() -> None:
        for _ in range(3):
            assert [each async for each in rotate_keys(home.works, data=True, slug=org.slug)]
            await reseal_all(home.works, org.id)

    await asyncio.gather(write(25), write(25), rotate())
    assert len(await outbox(home, org)) == 50
    assert await heads(home, org) == {b"\x02\0\0\0\x04"}
    assert [number for number, _ in await mine(home, org)] == [4]


async def test_another_master_key_wraps_and_whoever_runs_goes_on(home: Installation, org: Org, tmp_path: Path) -> None:
    first = home.works.masters.current
    (tmp_path / "master_keys").write_text(home.settings.master_key + "\n")
    (tmp_path / "master_keys").chmod(0o600)
    kept = home.settings.model_copy(update={"master_key": "", "holdfast_home": tmp_path})
    running, command = open_installation(kept), open_installation(kept)
    try:
        await give_authenticator(running, org, org.admin.id)
        second = put_new_first(tmp_path / "master_keys").current
        command.works.masters.reload()
        await wrap_only(command, org)
        assert await mine(running, org) == [(1, second)]
        async with running.works.begin(org.id, SYSTEM) as work:
            totp = await queries.find_totp(work, user_id=org.admin.id)
            assert totp is not None
            assert (await work.keyring()).open(Totp.secret, totp.id, totp.secret)
        with pytest.raises(MasterKeyMissing, match=f"master key {second} is not among"):
            async with home.works.begin(org.id, SYSTEM, write=False) as work:
                await work.keyring()
        actions = [each.action for each in await told(org)]
        assert sorted(actions) == ["platform.tenant_key.made", "platform.tenant_key.wrapped"]
    finally:
        await running.close()
        await command.close()
    assert first != second


async def wrap_only(home: Installation, org: Org) -> None:
    """Wrap the keys of one organisation: those of the others belong to other tests."""
    async for done in rotate_keys(home.works, data=False, slug=org.slug):
        assert (done.wrapped, done.job_id) == (1, None)


async def test_a_start_without_the_master_key_is_refused(home: Installation) -> None:
    lost = open_installation(home.settings)
    lost.works.masters = Masters([bytes(32)])
    try:
        with pytest.raises(MasterKeyMissing):
            async with lost.works.begin(UUID("00000000-0000-7000-8000-000000000001"), SYSTEM, write=False) as work:
                await work.keyring()
    finally:
        await lost.close()


async def test_an_unknown_organisation_is_refused(home: Installation) -> None:
    with pytest.raises(HoldfastError, match="no organisation 'nowhere'"):
        assert [each async for each in rotate_keys(home.works, data=True, slug="nowhere")] == []


async def test_a_copy_of_what_was_sealed_is_closed_once_the_data_were_removed(home: Installation) -> None:
    """Who kept a row, before an organisation's data went, has nothing to open it with; nobody has, in any process."""
    org = await make_org(home)
    await give_authenticator(home, org, org.admin.id)
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        kept = await queries.find_totp(work, user_id=org.admin.id)
        assert kept is not None
        assert (await work.keyring()).open(Totp.secret, kept.id, kept.secret)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        row = (await work.session.scalars(select(Tenant).where(Tenant.id == org.id))).one()
        row.status, row.delete_after = "deleting", work.now() - timedelta(days=1)
    async with org.work() as work:
        waiting = await work.enqueue(reseal_values)
    assert [each.fault async for each in purge_due(home.works, slug=org.slug)] == [None]
    second = open_installation(home.settings)
    try:
        for each in (home, second):
            async with each.works.begin(org.id, SYSTEM, write=False) as work:
                with pytest.raises(KeysEnded):
                    await work.keyring()
    finally:
        await second.close()
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        theirs = await work.keyring()
        assert list(await work.session.scalars(select(JobRow.id).where(JobRow.id == waiting))) == []
        with pytest.raises(SealBroken):
            theirs.open(Totp.secret, kept.id, kept.secret)


async def test_a_blind_index_finds_equal_values_inside_an_organisation_before_and_after_a_rotation(
    home: Installation, org: Org, other: Org
) -> None:
    async def blind(tenant_id: UUID, column, text: str) -> bytes:
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            return (await work.keyring()).blind(column, text)

    before = await blind(org.id, Totp.secret, "ada")
    assert await blind(org.id, Totp.secret, "ada") == before
    assert before not in {
        await blind(org.id, Totp.secret, "bea"),
        await blind(org.id, Notice.payload, "ada"),
        await blind(other.id, Totp.secret, "ada"),
    }
    assert [each async for each in rotate_keys(home.works, data=True, slug=org.slug)]
    await reseal_all(home.works, org.id)
    assert [number for number, _ in await mine(home, org)] == [2]
    assert await blind(org.id, Totp.secret, "ada") == before
