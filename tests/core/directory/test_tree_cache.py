"""A kept tree is shown while nothing changed, and never afterwards, whichever process changed it."""

from uuid import UUID

import orjson
import pytest
from sqlalchemy import func, select

from clients import client_of
from holdfast.core.directory.facts import CompanyCreated, PersonUpdated
from holdfast.core.directory.models import SWEPT_EVERY, Company, Person, StructureMark
from holdfast.core.directory.service.trees import read_tree
from holdfast.kernel.facts import CoverageError
from holdfast.main import open_installation

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
TREE = "/api/v1/org/tree"


@pytest.fixture
async def second(home):
    """Another process on the same database, with trees of its own."""
    made = open_installation(home.settings)
    yield made
    await made.close()


async def marks(org):
    async with org.work(write=False) as work:
        return await work.session.scalar(select(func.count()).select_from(StructureMark))


async def test_every_change_of_the_structure_is_shown_by_each_process_at_once(places, client, org, second):
    company = await places.make("companies", name="North")
    branch = await places.make("branches", company_id=company)
    top = await places.make("departments", branch_id=branch)
    leaf = await places.make("departments", parent_id=top)
    person = await places.make("people", department_id=leaf)
    lines = b"number,given_name,family_name,company_code\nX-1,A,B,FIX\n"
    await places.make("companies", code="FIX")
    changes = [
        ("POST", "companies", {"code": "NEW", "name": "New"}),
        ("PATCH", f"companies/{company}", {"name": "Renamed"}),
        ("POST", "branches", {"code": "NEW", "name": "New", "company_id": company}),
        ("PUT", f"branches/{branch}", {"code": "PUT", "name": "Put"}),
        ("POST", "departments", {"code": "NEW", "name": "New", "company_id": company}),
        ("PATCH", f"departments/{leaf}", {"parent_id": None}),
        ("PATCH", f"departments/{leaf}", {"branch_id": None}),
        ("POST", "people", {"number": "NEW", "given_name": "A", "family_name": "B", "company_id": company}),
        ("PATCH", f"people/{person}", {"department_id": top}),
        ("PUT", f"people/{person}", {"number": "PUT", "given_name": "A", "family_name": "B"}),
        ("DELETE", f"people/{person}", {}),
        ("POST", f"people/{person}/restore", {}),
        ("DELETE", f"branches/{branch}?cascade=true", {}),
        ("POST", f"branches/{branch}/restore", {}),
        ("PATCH", "", {"name": "Another name"}),
        ("POST", "people/imports", lines),
    ]
    async with client_of(second) as elsewhere:
        before = (await client.get(TREE, headers=org.viewer.bearer)).json()
        assert (await elsewhere.get(TREE, headers=org.viewer.bearer)).json() == before
        for method, path, body in changes:
            if isinstance(body, bytes):
                headers = {**org.admin.bearer, "Content-Type": "text/csv"}
                done = await client.post(f"/api/v1/org/{path}", content=body, headers=headers)
            else:
                done = await places.send(method, path, **body)
            assert done.is_success, done.text
            async with org.work(write=False) as work:
                await work.house.cache.clear()  # nothing is kept: what is shown now is what is there
            fresh = (await client.get(TREE, headers=org.viewer.bearer)).json()
            assert fresh != before, (method, path)
            assert (await elsewhere.get(TREE, headers=org.viewer.bearer)).json() == fresh, (method, path)
            before = fresh


async def test_what_changes_nothing_in_the_tree_keeps_it(places, org):
    person, company = await places.make("people"), await places.make("companies")
    branch = await places.make("branches", company_id=company)
    count = await marks(org)
    for path, change in (
        (f"people/{person}", {"phone": "1"}),
        ("", {"website": "https://example.com"}),
        (f"companies/{company}", {"city": "Leeds"}),
        (f"branches/{branch}", {"time_zone": "Asia/Tokyo"}),
    ):
        assert (await places.send("PATCH", path, **change)).status_code == 200
    assert await marks(org) == count


async def test_a_change_that_is_not_committed_is_not_kept_and_one_that_waits_is_shown_later(places, org, dialect):
    await places.make("companies", name="North")
    async with org.work() as work:
        tree = orjson.loads(await read_tree(work))
        company = Company(id=work.new_id(), code="LATE", name="Late")
        work.session.add(company)
        work.record(CompanyCreated(entity=company))
        await work.flush()
        assert len(orjson.loads(await read_tree(work))["companies"]) == 2
        async with org.work(write=False) as other:
            assert orjson.loads(await read_tree(other)) == tree
    async with org.work(write=False) as work:
        assert len(orjson.loads(await read_tree(work))["companies"]) == 2

    async def never() -> None:
        async with org.work() as work:
            work.session.add(Company(id=work.new_id(), code="NEVER", name="Never"))
            await work.flush()
            assert len(orjson.loads(await read_tree(work))["companies"]) == 3

    with pytest.raises(CoverageError):  # no fact: it is rolled back
        await never()
    async with org.work(write=False) as work:
        assert len(orjson.loads(await read_tree(work))["companies"]) == 2


async def test_each_organisation_has_its_own(places, org, other, client):
    await places.make("companies", name="North")
    for _ in range(2):
        assert len((await client.get(TREE, headers=org.viewer.bearer)).json()["companies"]) == 1
        assert (await client.get(TREE, headers=other.viewer.bearer)).json()["companies"] == []


async def test_marks_are_swept_and_the_tree_stays_right(places, org):
    person_id = UUID(await places.make("people"))
    highest = last = 0
    for number in range(40 * SWEPT_EVERY):
        async with org.work() as work:
            person = await work.session.get(Person, (org.id, person_id))
            person.job_title = f"Title {number}"
            work.record(PersonUpdated(entity=person))
        highest, last = max(highest, last), await marks(org)
        if last < highest:
            break
    assert last == 1
    async with org.work(write=False) as work:
        assert orjson.loads(await read_tree(work))["people"] == 1
