"""Large files that come in pieces."""

import asyncio
from datetime import timedelta

import pytest
from uploads import URL, kept, made, sha

from holdfast.core.files.public import remove_expired, remove_strays
from holdfast.core.files.service import staging

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
UPLOADS = f"{URL}/uploads"
WHOLE = bytes(range(256)) * 10_000


async def begun(client, org, size: int = len(WHOLE), role: str = "user", **fields) -> str:
    body = {"name": "large.bin", "size": size, **fields}
    answer = await client.post(UPLOADS, json=body, headers=org.members[role].bearer)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    return answer.headers["location"]


async def append(client, org, url: str, content: bytes, offset: int, role: str = "user"):
    headers = {**org.members[role].bearer, "Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
    return await client.patch(url, content=content, headers=headers)


async def test_walk(client, org, other):
    url = await begun(client, org)
    for start, stop in ((0, 1_000_000), (1_000_000, 1_000_001), (1_000_001, len(WHOLE))):
        answer = await append(client, org, url, WHOLE[start:stop], start)
        assert (answer.status_code, answer.json()["received"]) == (200, stop), answer.text
        assert answer.headers["upload-offset"] == str(stop)
        if stop < len(WHOLE):
            assert answer.json()["file_id"] is None
            head = await client.head(url, headers=org.user.bearer)
            assert (head.status_code, head.headers["upload-offset"]) == (200, str(stop))
    file = await client.get(f"{URL}/{answer.json()['file_id']}", headers=org.user.bearer)
    assert (file.json()["sha256"], file.json()["size"], file.json()["name"]) == (sha(WHOLE), len(WHOLE), "large.bin")
    down = await client.get(f"{URL}/{file.json()['id']}/content", headers=org.user.bearer)
    assert down.content == WHOLE
    assert list(kept(org).values()) == [len(WHOLE)], "the pieces are gone"
    assert (await client.get(url, headers=org.user.bearer)).status_code == 404


async def test_a_piece_begins_where_the_upload_stands(client, org):
    url = await begun(client, org, 10)
    assert (await append(client, org, url, b"01234", 0)).status_code == 200
    for offset in (0, 4, 6):
        refused = await append(client, org, url, b"x", offset)
        assert (refused.status_code, refused.json()["code"]) == (409, "OFFSET_CONFLICT")
        assert refused.headers["upload-offset"] == "5"
    beyond = await append(client, org, url, b"567890", 5)
    assert (beyond.status_code, beyond.json()["code"]) == (400, "UPLOAD_BROKEN")
    assert len(kept(org)) == 1
    done = await append(client, org, url, b"56789", 5)
    assert done.json()["file_id"], done.text


async def test_of_two_pieces_for_the_same_place_one_is_taken(client, org):
    url = await begun(client, org, 2_000_000)
    answers = await asyncio.gather(*(append(client, org, url, bytes([at]) * 1_000_000, 0) for at in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert len(kept(org)) == 1


async def test_an_upload_is_its_beginners_own(client, org, other):
    url = await begun(client, org, 5)
    for who, role in ((org, "admin"), (other, "admin")):
        assert (await client.get(url, headers=who.members[role].bearer)).status_code == 404
        assert (await append(client, who, url, b"12345", 0, role=role)).status_code == 404
        assert (await client.delete(url, headers=who.members[role].bearer)).status_code == 404
    assert (await client.delete(url, headers=org.user.bearer)).status_code == 204
    assert (await append(client, org, url, b"12345", 0)).status_code == 404


async def test_a_new_version_in_pieces(client, org):
    file = await made(client, org, b"first", "a.txt")
    url = await begun(client, org, 6, name="b.txt", replaces_id=file["id"])
    done = await append(client, org, url, b"second", 0)
    assert done.json()["file_id"] == file["id"], done.text
    shown = (await client.get(f"{URL}/{file['id']}", headers=org.user.bearer)).json()
    assert (shown["number"], shown["name"], shown["sha256"]) == (2, "b.txt", sha(b"second"))


async def test_what_is_refused_when_whole_can_be_sent_again(client, org, home, monkeypatch):
    url = await begun(client, org, 5, name="a.pdf")
    refused = await append(client, org, url, b"no pd", 0)
    assert (refused.status_code, refused.json()["code"]) == (422, "FILE_REFUSED"), refused.text
    assert len(kept(org)) == 1, "the piece; not the whole"
    again = await append(client, org, url, b"", 5)
    assert again.status_code == 422
    assert (await client.delete(url, headers=org.user.bearer)).status_code == 204


async def test_uploads_count_against_the_room_before_they_are_whole(client, org, home, monkeypatch):
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"files_quota_mb": 1}))
    await begun(client, org, 700_000)
    body = {"name": "b.bin", "size": 700_000}
    refused = await client.post(UPLOADS, json=body, headers=org.user.bearer)
    assert (refused.status_code, refused.json()["code"]) == (413, "QUOTA_EXCEEDED")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a", "size": 0}, 422),
        ({"name": "a/b", "size": 1}, 422),
        ({"name": "a", "size": 2**49}, 413),
        ({"name": "a", "size": 1, "rule": "no.rule"}, 422),
    ],
)
async def test_an_announcement_that_is_refused(client, org, body, status):
    assert (await client.post(UPLOADS, json=body, headers=org.user.bearer)).status_code == status


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30])
async def test_an_offset_that_is_none(client, org, offset):
    url = await begun(client, org, 5)
    answer = await append(client, org, url, b"12345", offset)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "header.Upload-Offset")


async def test_what_was_not_finished_in_time_is_removed(client, org, home, monkeypatch):
    url = await begun(client, org, 10)
    await append(client, org, url, b"12345", 0)
    assert await remove_expired(home.works, org.id) == 0
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(hours=25))
    assert await remove_expired(home.works, org.id) == 1
    assert kept(org) == {}


async def test_bytes_that_no_row_names_are_removed_after_a_day(client, org, home, monkeypatch):
    file = await made(client, org, b"kept")
    url = await begun(client, org, 10)
    await append(client, org, url, b"12345", 0)
    [place] = [name for name, size in kept(org).items() if size == 4]
    root = home.settings.holdfast_home / "files"
    stray = root / place.replace(place[-4:], "0000")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"stray")
    (root / "incoming" / "left").write_bytes(b"unfinished")
    assert await remove_strays(home.works, org.id) == 0
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(hours=26))
    assert await remove_strays(home.works, org.id) == 1
    assert sorted(kept(org).values()) == [4, 5]
    assert (await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)).content == b"kept"


async def test_of_a_piece_that_stops_coming_what_has_come_is_kept(client, org, monkeypatch):
    monkeypatch.setattr(staging, "STALLED_SECONDS", 0.2)
    url = await begun(client, org, 2_000_000)

    async def stopping():
        yield b"x" * 1_500_000
        await asyncio.sleep(5)

    headers = {**org.user.bearer, "Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    stalled = await client.patch(url, content=stopping(), headers=headers)
    assert (stalled.status_code, stalled.json()["code"]) == (408, "UPLOAD_STALLED"), stalled.text
    stands = int((await client.head(url, headers=org.user.bearer)).headers["upload-offset"])
    assert stands == 1_500_000
    done = await append(client, org, url, b"x" * 500_000, stands)
    assert done.json()["file_id"], done.text
