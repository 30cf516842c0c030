"""Uploads at the same moment: one content once, no room given twice, no version number twice."""

import asyncio

import pytest
from uploads import URL, kept, made, send

from holdfast.core.files.public import remove_orphans

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]


async def used(org) -> tuple[int, int]:
    """Return what the organisation's row says of the room that is taken, and what the contents take."""
    from sqlalchemy import func, select

    from holdfast.core.files.models import FileSpace, StoredObject

    async with org.work(write=False) as work:
        space = (await work.session.scalars(select(FileSpace))).one()
        return space.used, await work.session.scalar(select(func.sum(StoredObject.size))) or 0


async def test_the_first_uploads_of_an_organisation_at_once(client, org):
    answers = await asyncio.gather(*(send(client, org, bytes([65 + at]) * 1000) for at in range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6, [answer.text for answer in answers]
    assert await used(org) == (6000, 6000)


async def test_the_same_content_at_once_is_kept_once(client, org):
    answers = await asyncio.gather(*(send(client, org, b"the same" * 1000) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6, [answer.text for answer in answers]
    assert list(kept(org).values()) == [8000]
    assert await used(org) == (8000, 8000)


async def test_no_room_is_given_twice(client, org, home, monkeypatch):
    await made(client, org, b"0" * 100_000)
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"files_quota_mb": 1}))
    answers = await asyncio.gather(*(send(client, org, bytes([65 + at]) * 400_000) for at in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 413, 413, 413]
    assert await used(org) == (900_000, 900_000)
    assert sum(kept(org).values()) == 900_000


async def test_versions_at_once_have_numbers_of_their_own(client, org):
    file = await made(client, org)
    url = f"{URL}/{file['id']}/versions"
    answers = await asyncio.gather(*(send(client, org, bytes([65 + at]) * 10, url=url) for at in range(5)))
    assert sorted(answer.json()["number"] for answer in answers) == [2, 3, 4, 5, 6]


async def test_a_content_comes_again_while_it_is_removed(client, org):
    for _ in range(5):
        file = await made(client, org, b"comes and goes")
        url = f"{URL}/{file['id']}"
        await client.delete(url, headers=org.admin.bearer)
        await client.post(f"{url}/purge", headers=org.admin.bearer)
        again, _ = await asyncio.gather(send(client, org, b"comes and goes"), remove_orphans(org.home.works, org.id))
        assert again.status_code == 201, again.text
        url = f"{URL}/{again.json()['id']}"
        assert (await client.get(f"{url}/content", headers=org.user.bearer)).content == b"comes and goes"
        await client.delete(url, headers=org.admin.bearer)
        await client.post(f"{url}/purge", headers=org.admin.bearer)
        await remove_orphans(org.home.works, org.id)
        assert (kept(org), await used(org)) == ({}, (0, 0))
