"""What jobs make of files: thumbnail and text soon after an upload, order at night."""

from uuid import UUID

import pytest
from sqlalchemy import select
from test_deriving import picture
from uploads import send

from background import quick, until, working
from clients import client_of
from holdfast.core.files.models import Derived, StoredObject
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from support import installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def jobs_called(home, tenant_id: UUID, name: str) -> list[JobRow]:
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        wanted = select(JobRow).where(JobRow.tenant_id == tenant_id, JobRow.name == name)
        return list(await work.session.scalars(wanted.order_by(JobRow.id)))


async def test_a_picture_has_its_thumbnail_by_a_job_that_came_with_the_upload(dialect) -> None:
    async with installation_on(dialect) as home, client_of(home) as client:
        quick(home)
        org = await make_org(home)
        sent = await send(client, org, picture(), "a.png")
        assert sent.status_code == 201, sent.text
        [job] = await jobs_called(home, org.id, "files.content.derive")
        assert job.asked_by is None, "it follows from the upload, whoever sent it"
        async with working(home):
            assert (await until(home, org.id, job.id)).state == "done"
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            [content] = await work.session.scalars(select(StoredObject))
        assert (content.derived, content.has_thumbnail) == (Derived.DONE, True)
        shown = await client.get(f"/api/v1/files/{sent.json()['id']}/thumbnail", headers=org.admin.bearer)
        assert shown.status_code == 200
        assert shown.content[:3] == b"\xff\xd8\xff" or shown.content[:4] in (b"\x89PNG", b"RIFF")
        again = await send(client, org, picture(), "b.png")
        assert again.status_code == 201
        assert len(await jobs_called(home, org.id, "files.content.derive")) == 1, (
            "the same content is not looked at twice"
        )


async def test_an_upload_that_is_refused_leaves_no_job(dialect) -> None:
    async with installation_on(dialect) as home, client_of(home) as client:
        org = await make_org(home)
        refused = await send(client, org, b"", "../x")
        if refused.status_code == 201:
            pytest.fail("a path is no name")
        assert await jobs_called(home, org.id, "files.content.derive") == []


async def test_at_night_what_nobody_has_goes(dialect) -> None:
    async with installation_on(dialect) as home, client_of(home) as client:
        quick(home)
        org = await make_org(home)
        sent = (await send(client, org, b"to be removed", "a.txt")).json()
        url = f"/api/v1/files/{sent['id']}"
        assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
        async with home.works.begin(org.id, SYSTEM) as work:
            kept = await work.enqueue(JOBS["files.store.tidy"])
        async with working(home):
            assert (await until(home, org.id, kept)).state == "done"
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            assert len(list(await work.session.scalars(select(StoredObject)))) == 1, (
                "what is in the trash can come back"
            )
