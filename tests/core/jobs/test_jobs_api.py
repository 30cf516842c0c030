"""Jobs as people see them: their own, all of an organisation's, none of another's."""

from uuid import UUID

import httpx
import pytest
import samples_of_jobs as samples
from sqlalchemy import select

from callers import add_caller
from holdfast.core.jobs.facts import JobCancelled, JobRetried
from holdfast.core.jobs.models import JobAttempt
from holdfast.kernel.jobs.tables import JobRow
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/jobs"


async def waiting(org: Org, role: str = "admin", **more: object) -> UUID:
    async with org.work(role) as work:
        return await work.enqueue(samples.wait, number=1, **more)


async def failed(org: Org, role: str = "admin") -> UUID:
    made = await waiting(org, role)
    async with org.work() as work:
        row = (await work.session.scalars(select(JobRow).where(JobRow.id == made))).one()
        row.state, row.failures, row.attempts, row.finished_at = "failed", 3, 3, work.now()
        trouble = {"kind": "error", "error": "ValueError", "message": "something broke", "ended_at": work.now()}
        work.session.add(JobAttempt(id=work.new_id(), job_id=made, attempt=3, **trouble))
    return made


async def entries(client: httpx.AsyncClient, org: Org, job_id: UUID) -> list[str]:
    answer = await client.get(f"/api/v1/audit/entries?entity_id={job_id}", headers=org.auditor.bearer)
    return [row["action"] for row in answer.json()["data"]]


async def test_everybody_sees_their_own_and_who_may_sees_all(client, org: Org, other: Org) -> None:
    mine, anothers = await waiting(org, "user"), await waiting(org)
    foreign = await waiting(other)

    async def seen(role: str, **query: str) -> set[str]:
        answer = await client.get(URL, params=query, headers=org.members[role].bearer)
        return {row["id"] for row in answer.json()["data"]}

    assert await seen("user") == {str(mine)}
    assert await seen("viewer") == set()
    for role in ("admin", "auditor"):
        assert await seen(role) == {str(mine), str(anothers)}
    assert await seen("admin", asked_by=str(org.user.id)) == {str(mine)}
    refused = await client.get(URL, params={"asked_by": str(org.admin.id)}, headers=org.user.bearer)
    assert refused.status_code == 403
    for role, job_id, code in (
        ("user", mine, 200),
        ("user", anothers, 404),
        ("auditor", mine, 200),
        ("admin", foreign, 404),
    ):
        assert (await client.get(f"{URL}/{job_id}", headers=org.members[role].bearer)).status_code == code


async def test_a_job_tells_what_went_wrong_and_is_tried_again_by_who_may(client, org: Org, other: Org) -> None:
    made = await failed(org, "user")
    shown = (await client.get(f"{URL}/{made}", headers=org.auditor.bearer)).json()
    assert (shown["state"], shown["ids"], shown["asked_by"]) == ("failed", {"number": 1}, str(org.user.id))
    assert [(each["attempt"], each["message"]) for each in shown["troubles"]] == [(3, "something broke")]
    url = f"{URL}/{made}/retry"
    assert (await client.post(url)).status_code == 401
    assert (await client.post(url, headers=other.admin.bearer)).status_code == 404
    for role in ("user", "auditor"):
        assert (await client.post(url, headers=org.members[role].bearer)).status_code == 403
    again = await client.post(url, headers=org.admin.bearer)
    assert (again.status_code, again.json()["state"]) == (200, "ready"), again.text
    assert again.json()["asked_by"] == str(org.user.id), "it stays the job of who asked for it"
    twice = await client.post(url, headers=org.admin.bearer)
    assert (twice.status_code, twice.json()["code"]) == (409, "JOB_NOT_FAILED")
    assert (await entries(client, org, made)).count(JobRetried.action) == 1


async def test_everybody_cancels_their_own_and_who_may_cancels_all(client, org: Org, other: Org) -> None:
    mine, anothers = await waiting(org, "user", unique="mine"), await waiting(org)
    assert (await client.post(f"{URL}/{mine}/cancel", headers=other.admin.bearer)).status_code == 404
    assert (await client.post(f"{URL}/{anothers}/cancel", headers=org.user.bearer)).status_code == 404
    assert (await client.post(f"{URL}/{mine}/cancel", headers=org.auditor.bearer)).status_code == 403
    own = await client.post(f"{URL}/{mine}/cancel", headers=org.user.bearer)
    assert (own.status_code, own.json()["state"]) == (200, "cancelled"), own.text
    assert (await client.post(f"{URL}/{anothers}/cancel", headers=org.admin.bearer)).status_code == 200
    over = await client.post(f"{URL}/{mine}/cancel", headers=org.user.bearer)
    assert (over.status_code, over.json()["code"]) == (409, "JOB_OVER")
    assert await entries(client, org, mine) == [JobCancelled.action, "jobs.job.cancel"]
    assert await waiting(org, "user", unique="mine") != mine, "what is cancelled makes room"


async def test_one_that_runs_is_asked_to_stop(client, org: Org) -> None:
    made = await waiting(org)
    async with org.work() as work:
        (await work.session.scalars(select(JobRow).where(JobRow.id == made))).one().state = "running"
    asked = (await client.post(f"{URL}/{made}/cancel", headers=org.admin.bearer)).json()
    assert (asked["state"], asked["cancel_asked"]) == ("running", True)


async def test_pages_show_jobs_and_what_can_be_done(client, org: Org) -> None:
    made, other_job = await failed(org), await waiting(org)
    html = {"accept": "text/html"}
    listed = await client.get("/console/jobs", headers={**org.admin.bearer, **html})
    assert listed.status_code == 200, listed.text
    assert f"/console/jobs/{made}" in listed.text
    assert "Failed" in listed.text
    page = await client.get(f"/console/jobs/{made}", headers={**org.admin.bearer, **html})
    assert page.status_code == 200, page.text
    assert "something broke" in page.text
    assert "Try again" in page.text
    assert "every 2s" not in page.text
    page = await client.get(f"/console/jobs/{other_job}", headers={**org.admin.bearer, **html})
    assert "Cancel this job" in page.text
    assert "every 2s" in page.text
    none = await client.get("/console/jobs?state=running", headers={**org.admin.bearer, **html})
    assert "No job fits" in none.text
    user = await add_caller(org, "User")
    assert (await client.get(f"/console/jobs/{made}", headers={**user.bearer, **html})).status_code == 404
