"""What is removed by people is soon gone from the storage too, whatever crashes; what another file has stays."""

import pytest
from sqlalchemy import select
from uploads import URL, kept, made, send

from background import quick, until, working
from clients import client_of
from holdfast.core.files.models import FileUpload, StoredObject
from holdfast.core.files.service.removing import remove_content
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from support import installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


def contents(org) -> list[int]:
    """Return the sizes of what the storage holds, but for what was made of contents."""
    return sorted(size for name, size in kept(org).items() if not name.endswith((".thumb", ".text")))


async def purge(client, org, file: dict) -> None:
    url = f"{URL}/{file['id']}"
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.post(f"{url}/purge", headers=org.admin.bearer)).status_code == 204


async def jobs_done(home, org, name: str) -> int:
    """Wait until the jobs of a name are over and return how many were done."""
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        rows = select(JobRow.id).where(JobRow.tenant_id == org.id, JobRow.name == name)
        asked = list(await work.session.scalars(rows))
    return sum([(await until(home, org.id, each)).state == "done" for each in asked])


async def test_the_bytes_of_what_is_purged_or_given_up_go_soon(dialect) -> None:
    async with installation_on(dialect) as home, client_of(home) as client:
        quick(home)
        org = await make_org(home)
        one = await made(client, org, b"shared", "one.txt")
        await send(client, org, b"one's own", url=f"{URL}/{one['id']}/versions")
        two = await made(client, org, b"shared", "two.txt")
        begun = await client.post(f"{URL}/uploads", json={"name": "large.bin", "size": 9}, headers=org.user.bearer)
        place, headers = begun.headers["location"], {**org.user.bearer, "Upload-Offset": "0"}
        assert (await client.patch(place, content=b"a piece", headers=headers)).status_code == 200
        replacing = {"name": "one.txt", "size": 20, "replaces_id": one["id"]}
        next_one = await client.post(f"{URL}/uploads", json=replacing, headers=org.user.bearer)
        sent = await client.patch(next_one.headers["location"], content=b"half of it", headers=headers)
        assert sent.status_code == 200, sent.text
        assert contents(org) == [6, 7, 9, 10]
        await purge(client, org, one)
        gone = await client.get(next_one.headers["location"], headers=org.user.bearer)
        assert gone.json()["code"] == "UPLOAD_NOT_FOUND"
        assert (await client.delete(place, headers=org.user.bearer)).status_code == 204
        async with working(home):
            assert await jobs_done(home, org, "files.content.remove") == 2
            assert await jobs_done(home, org, "files.upload.remove") == 1, "one job for both uploads"
            assert contents(org) == [6], "another file has it"
            whole = await client.get(f"{URL}/{two['id']}/content", headers=org.user.bearer)
            assert whole.content == b"shared"
            await purge(client, org, two)
            assert await jobs_done(home, org, "files.content.remove") == 3
            assert await jobs_done(home, org, "files.content.derive") == 2, "of what is gone nothing is made"
        assert kept(org) == {}
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            assert list(await work.session.scalars(select(StoredObject))) == []
            assert list(await work.session.scalars(select(FileUpload))) == []


async def test_a_purge_that_is_rolled_back_removes_nothing(client, org, home, monkeypatch) -> None:
    file = await made(client, org, b"stays")
    await client.delete(f"{URL}/{file['id']}", headers=org.admin.bearer)

    async def fail(*_):
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(type(home.works.recorder), "write", fail)
    answer = await client.post(f"{URL}/{file['id']}/purge", headers=org.admin.bearer)
    monkeypatch.undo()
    assert answer.status_code == 500, answer.text
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        asked = select(JobRow).where(JobRow.tenant_id == org.id, JobRow.name == "files.content.remove")
        assert list(await work.session.scalars(asked)) == []
    assert list(kept(org).values()) == [5]


async def test_bytes_whose_row_went_before_a_crash_go_with_the_next_attempt(client, org, home, monkeypatch) -> None:
    file = await made(client, org, b"half removed")
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        object_id = (await work.session.scalars(select(StoredObject.id))).one()
    assert await remove_content(home.works, org.id, object_id) is False, "a file has it"
    await purge(client, org, file)
    root = home.settings.holdfast_home / "files"
    root.rename(root.with_name("away"))
    try:
        root.write_bytes(b"no folder")  # the storage is out of reach
        with pytest.raises(Exception, match="out of reach"):
            await remove_content(home.works, org.id, object_id)
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            assert list(await work.session.scalars(select(StoredObject))) == []
    finally:
        root.unlink()
        root.with_name("away").rename(root)
    assert list(kept(org).values()) == [12]
    again = await made(client, org, b"half removed")
    assert await remove_content(home.works, org.id, object_id) is True
    assert list(kept(org).values()) == [12], "of the second one"
    whole = await client.get(f"{URL}/{again['id']}/content", headers=org.user.bearer)
    assert whole.content == b"half removed"
