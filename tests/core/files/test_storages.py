"""Both storages keep the promises of the protocol: whole or not at all, ranges, addresses; S3 against moto's server."""

import asyncio
import hashlib
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from buckets import new_bucket, settings_for
from uploads import URL, made, send

from holdfast.core.files.service.cabinet import SLOT, cabinet_of
from holdfast.kernel.clock import system_clock
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import new_id
from holdfast.kernel.storage import StorageUnavailable, key_of, read_all
from holdfast.kernel.storage.local import LocalStorage
from holdfast.kernel.storage.s3 import open_s3

pytestmark = [pytest.mark.service, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
MB = 1024 * 1024


@pytest.fixture
def bucket(moto) -> str:
    return new_bucket(moto)


@pytest.fixture(params=["local", "s3"])
def storage(request, tmp_path):
    if request.param == "local":
        return LocalStorage(tmp_path / "files")
    return open_s3(settings_for(request.getfixturevalue("moto"), request.getfixturevalue("bucket")))


def key() -> str:
    return key_of(TENANT, new_id())


TENANT = UUID("01a20000-0000-7000-8000-000000000001")


async def blocks(*parts: bytes):
    for part in parts:
        yield part


@pytest.mark.parametrize("size", [0, 1, MB, 5 * MB, 12 * MB + 7])
async def test_what_is_put_comes_back(storage, size):
    content = os.urandom(size)
    at = key()
    receipt = await storage.put(at, blocks(*(content[start : start + MB] for start in range(0, size, MB))))
    assert (receipt.size, receipt.sha256) == (size, hashlib.sha256(content).digest())
    assert await storage.size(at) == size
    assert await read_all(storage, at) == content
    for start, stop in ((0, 0), (0, min(1, size)), (size // 2, size), (max(0, size - 5), size)):
        assert await read_all(storage, at, start=start, stop=stop) == content[start:stop]


async def test_what_breaks_off_leaves_nothing(storage, moto, bucket, tmp_path):
    at = key()

    async def breaking():
        for _ in range(12):
            yield b"x" * MB
        raise ValueError("the caller has gone")

    with pytest.raises(ValueError, match="the caller has gone"):
        await storage.put(at, breaking())
    assert await storage.size(at) is None
    assert [each async for each in storage.find(f"{TENANT}/")] == []
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
    assert "<UploadId>" not in httpx.get(f"{moto}/{bucket}?uploads").text, "no parts that nobody sees"


async def test_a_put_that_is_cancelled_leaves_nothing(storage, tmp_path):
    at, begun = key(), asyncio.Event()

    async def endless():
        while True:
            yield b"x" * MB
            begun.set()
            await asyncio.sleep(0.01)

    putting = asyncio.create_task(storage.put(at, endless()))
    await begun.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await asyncio.sleep(0.1)
    assert await storage.size(at) is None
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


async def test_a_put_that_is_cancelled_while_it_is_finished_leaves_nothing(tmp_path, monkeypatch):
    """The thread that renames cannot be stopped: what it did is undone."""
    storage, at = LocalStorage(tmp_path / "files"), key()
    syncing, go_on, sync = threading.Event(), threading.Event(), os.fsync

    def slow(descriptor: int) -> None:
        syncing.set()
        go_on.wait(5)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    go_on.set()
    await storage.put(key(), blocks(b"makes the folders"))
    go_on.clear()
    syncing.clear()
    putting = asyncio.create_task(storage.put(at, blocks(b"x")))
    await asyncio.to_thread(syncing.wait, 5)
    putting.cancel()
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await putting
    await asyncio.sleep(0.1)
    assert await storage.size(at) is None
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


async def test_delete_find_and_absence(storage):
    keys = [key() for _ in range(3)]
    for at in keys:
        await storage.put(at, blocks(b"12345"))
    await storage.put(key_of(new_id(), new_id()), blocks(b"another tenant's"))
    found = [each async for each in storage.find(f"{TENANT}/")]
    assert sorted(each.key for each in found) == sorted(keys)
    assert {each.size for each in found} == {5}
    assert all(abs(each.written_at - system_clock()) < timedelta(minutes=1) for each in found)
    await storage.delete(*keys, key())
    assert [each async for each in storage.find(f"{TENANT}/")] == []
    assert await storage.size(keys[0]) is None
    with pytest.raises(StorageUnavailable):
        await read_all(storage, keys[0])


@pytest.mark.parametrize("bad", ["../x", "/etc/passwd", "a/b/c", f"{TENANT}/00/../../x", ""])
async def test_an_address_that_is_none_of_ours(tmp_path, bad):
    with pytest.raises(ValueError, match="address"):
        await LocalStorage(tmp_path).size(bad)


async def test_files_and_folders_are_the_servers_own(tmp_path):
    storage, at = LocalStorage(tmp_path / "files"), key()
    await storage.put(at, blocks(b"x"))
    modes = {oct(each.stat().st_mode & 0o777) for each in (tmp_path / "files").rglob("*")}
    assert modes == {"0o600", "0o700"}
    assert Path(storage.root / at).read_bytes() == b"x"


async def test_a_service_that_is_out_of_reach_is_said_to_be(moto, bucket):
    storage = open_s3(settings_for(moto, "no-such-bucket"))
    with pytest.raises(StorageUnavailable):
        await storage.put(key(), blocks(b"x"))
    wrong = open_s3(settings_for("http://127.0.0.1:9", bucket))
    with pytest.raises(StorageUnavailable):
        await wrong.put(key(), blocks(b"x"))


@pytest.mark.parametrize(
    ("given", "named"),
    [({"s3_bucket": ""}, "S3_BUCKET"), ({"aws_secret_access_key": ""}, "AWS_SECRET_ACCESS_KEY")],
)
def test_settings_that_lack_something_are_refused(given, named):
    with pytest.raises(ConfigurationError, match=named):
        open_s3(settings_for("http://127.0.0.1:9", "b", **given))


@pytest.mark.endpoint
async def test_files_are_kept_in_a_bucket_as_in_a_folder(client, org, home, moto, bucket, monkeypatch):
    storage = open_s3(settings_for(moto, bucket))
    monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), storage=storage))
    content = os.urandom(11 * MB + 3)
    file = await made(client, org, content, "a.bin")
    url = f"{URL}/{file['id']}/content"
    assert (await client.get(url, headers=org.user.bearer)).content == content
    part = await client.get(url, headers={**org.user.bearer, "Range": "bytes=6000000-6000009"})
    assert (part.status_code, part.content) == (206, content[6000000:6000010])
    await made(client, org, content, "again.bin")
    assert len([each async for each in storage.find(f"{org.id}/")]) == 1, "the same content once"
    refused = await send(client, org, content, "a.pdf")
    assert refused.status_code == 422
    assert len([each async for each in storage.find(f"{org.id}/")]) == 1
    begun = await client.post(f"{URL}/uploads", json={"name": "b.txt", "size": 6}, headers=org.user.bearer)
    for at, piece in ((0, b"abc"), (3, b"def")):
        headers = {**org.user.bearer, "Upload-Offset": str(at)}
        done = await client.patch(begun.headers["location"], content=piece, headers=headers)
        assert done.status_code == 200, done.text
    whole = await client.get(f"{URL}/{done.json()['file_id']}/content", headers=org.user.bearer)
    assert whole.content == b"abcdef"
    assert len([each async for each in storage.find(f"{org.id}/")]) == 2, "the pieces are gone"
