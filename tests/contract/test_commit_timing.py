"""The answer leaves after the commit, and no answer but a good one commits anything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
from acting.app import APP
from acting.service import ACTS
from rows import changed, dump
from sqlalchemy import select, text
from starlette.responses import RedirectResponse, Response, StreamingResponse

from clients import address
from holdfast.core.directory.facts import CompanyCreated
from holdfast.core.directory.models import Company, Person
from holdfast.core.directory.schemas import CompanyOut
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import Conflict
from holdfast.kernel.work import Work
from holdfast.main import create_app, open_installation
from support import Org, make_org

pytestmark = pytest.mark.endpoint
portable = pytest.mark.portable
POOL = 2
Act = Callable[[Work], Awaitable[object]]


@dataclass
class Stand:
    """An application with the acting app in it, few connections, and a way to look at the rows from outside."""

    app: object
    client: httpx.AsyncClient
    org: Org
    owner: Database

    async def perform(self, act: Act, method: str = "POST", **headers: str) -> httpx.Response:
        return await self.client.request(method, self.path(act), headers={**self.org.admin.bearer, **headers})

    def path(self, act: Act) -> str:
        name = uuid4().hex
        ACTS[name] = act
        return f"/api/v1/acting/acts/{name}"

    async def written(self, code: str = "ACT") -> bool:
        """Tell whether the act's company is there for everyone."""
        company = Company.__table__
        where = (company.c.tenant_id == self.org.id, company.c.code == code)
        async with self.owner.engine.connect() as connection:
            return (await connection.execute(select(company.c.id).where(*where))).first() is not None


@pytest.fixture
async def stand(home, owner) -> AsyncIterator[Stand]:
    settings = home.settings.model_copy(update={"pool_size": POOL, "pool_timeout": 1.0})
    acting = open_installation(settings, apps=(*home.apps, APP))
    try:
        app = create_app(settings, acting)
        transport = httpx.ASGITransport(app=app, client=address())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            stand = Stand(app, client, await make_org(acting), owner)
            yield stand
            # Whatever happened, every connection came back.
            for _ in range(POOL + 1):
                after = await stand.perform(lambda work: answer())
                assert after.status_code == 204, after.text
            link = await acting.database.acquire(write=True)
            await link.close()
    finally:
        await acting.close()


async def answer() -> None:
    return None


async def write(work: Work, code: str = "ACT") -> CompanyOut:
    company = Company(id=work.new_id(), code=code, name="Act")
    work.session.add(company)
    work.record(CompanyCreated(entity=company))
    await work.flush()
    return CompanyOut.model_validate(company)


async def exchange(stand: Stand, act: Act, *, receive=None, send=None) -> list[dict]:
    """Make a request as an ASGI server does; return the messages that were sent."""
    sent, body = [], [{"type": "http.request", "body": b"", "more_body": False}]

    async def whole_body() -> dict:
        if not body:
            await asyncio.Event().wait()  # the client stays
        return body.pop()

    async def keep(message: dict) -> None:
        if send is not None:
            await send(message)
        sent.append(message)

    path = stand.path(act)
    headers = [(name.lower().encode(), value.encode()) for name, value in stand.org.admin.bearer.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), *headers],
        "client": address(),
        "server": ("127.0.0.1", 8000),
    }
    await stand.app(scope, receive or whole_body, keep)
    return sent


# ── what commits ─────────────────────────────────────────────────────────────────────────────────────────────────────


@portable
async def test_everyone_sees_the_row_before_the_first_byte_of_the_answer_leaves(stand: Stand) -> None:
    seen = []

    async def send(message: dict) -> None:
        seen.append((message["type"], await stand.written()))

    [start, *_] = await exchange(stand, write, send=send)
    assert start["status"] == 200
    assert seen[0] == ("http.response.start", True)


@portable
async def test_a_stream_begins_after_the_commit_and_holds_no_connection(stand: Stand) -> None:
    """More streams wait for each other than there are connections."""
    together = asyncio.Barrier(POOL + 2)
    seen = []

    def stream(code: str) -> Act:
        async def chunks() -> AsyncIterator[bytes]:
            seen.append(await stand.written(code))
            await together.wait()
            yield b"chunk"

        async def act(work: Work) -> Response:
            await write(work, code)
            return StreamingResponse(chunks(), media_type="text/csv")

        return act

    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(stand.perform(stream(f"S-{n}")) for n in range(POOL + 2)))
    assert [(each.status_code, each.text) for each in answers] == [(200, "chunk")] * (POOL + 2)
    assert seen == [True] * (POOL + 2)


@portable
async def test_a_stream_that_breaks_off_is_not_taken_for_whole_and_undoes_nothing(stand: Stand) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"chunk"
        raise RuntimeError("the source dried up")

    async def act(work: Work) -> Response:
        await write(work)
        return StreamingResponse(chunks())

    with pytest.raises(RuntimeError, match="dried up"):
        await exchange(stand, act)
    assert await stand.written()


@portable
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_stream_of_json_is_answered_too(stand: Stand, method: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a":'
        yield b"1}"

    async def act(work: Work) -> Response:
        return StreamingResponse(chunks(), media_type="application/json")

    for _ in range(2):
        streamed = await stand.perform(act, method, **{"Idempotency-Key": "the same key"})
        assert (streamed.status_code, streamed.text) == (200, '{"a":1}')


@portable
async def test_a_redirect_commits(stand: Stand) -> None:
    async def act(work: Work) -> Response:
        await write(work)
        return RedirectResponse("/elsewhere", 303)

    assert (await stand.perform(act)).status_code == 303
    assert await stand.written()


# ── what does not ────────────────────────────────────────────────────────────────────────────────────────────────────


async def conflict(work: Work) -> object:
    await write(work)
    raise Conflict("not now")


async def crash(work: Work) -> object:
    await write(work)
    raise RuntimeError("a defect")


async def bad_answer(work: Work) -> object:
    await write(work)
    return {"id": "a dict is no schema"}


async def page_with_faults(work: Work) -> object:
    await write(work)
    return Response("<p>Something is wrong.</p>", 422, media_type="text/html")


async def uncovered(work: Work) -> object:
    await write(work)
    work.session.add(Company(id=work.new_id(), code="MORE", name="No fact tells of it"))
    return None


async def taken_value_unflushed(work: Work) -> object:
    await write(work)
    company = Company(id=work.new_id(), code="act", name="The code is taken")
    work.session.add(company)
    work.record(CompanyCreated(entity=company))
    return None


CASES = {conflict: 409, crash: 500, bad_answer: 500, page_with_faults: 422, uncovered: 500, taken_value_unflushed: 409}


@portable
@pytest.mark.parametrize("act", CASES, ids=lambda act: act.__name__)
async def test_nothing_is_written_by(act: Act, stand: Stand) -> None:
    before = await dump(stand.owner.engine, stand.org.id)
    for _ in range(POOL + 1):
        answered = await stand.perform(act)
        assert answered.status_code == CASES[act], answered.text
        if answered.status_code >= 500:
            assert answered.headers["content-type"] == "application/problem+json"
            assert answered.json()["detail"] == (
                "Something failed on our side. It has been logged under this request id."
            )
    assert changed(before, await dump(stand.owner.engine, stand.org.id)) == set()


async def test_nothing_is_written_where_the_commit_itself_is_refused(stand: Stand, dialect: str) -> None:
    """A constraint that is looked at only by COMMIT; MariaDB knows none."""
    if dialect == "postgresql":
        async with stand.owner.engine.begin() as connection:
            await connection.execute(
                text(
                    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON company DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW WHEN (NEW.code = 'AT-COMMIT') EXECUTE FUNCTION holdfast_refuse()"
                )
            )

    async def act(work: Work) -> object:
        await write(work, "AT-COMMIT")
        if dialect == "sqlite":
            await work.link.execute("PRAGMA defer_foreign_keys = ON")
            person = Person.__table__
            nobody = {"number": "1", "number_key": "1", "given_name": "A", "family_name": "B", "name_key": "b a"}
            values = {"tenant_id": work.tenant_id, "id": work.new_id(), "version": 1, "deleted_key": UUID(int=0)}
            stamps = {"created_at": work.now(), "updated_at": work.now(), "status": "active"}
            row = {**nobody, **values, **stamps, "company_id": work.new_id()}
            await work.link.connection.execute(person.insert().values(row))
        return None

    before = await dump(stand.owner.engine, stand.org.id)
    answered = await stand.perform(act)
    assert answered.status_code == 409, answered.text
    assert changed(before, await dump(stand.owner.engine, stand.org.id)) == set()


async def killed(stand: Stand, work: Work) -> None:
    ask, end = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({0})"),
        "mysql": ("SELECT connection_id()", "KILL {0}"),
    }[work.link.dialect]
    number = (await work.link.fetch(ask))[0][0]
    async with stand.owner.engine.connect() as connection:
        await connection.execute(text(end.format(number)))


async def filled(work: Work) -> None:
    pages = (await work.link.fetch("PRAGMA page_count"))[0][0]
    await work.link.fetch(f"PRAGMA max_page_count = {pages}")
    try:
        for number in range(500):
            await write(work, f"FULL-{number}")
    finally:
        await work.link.fetch("PRAGMA max_page_count = 1073741823")


@portable
async def test_a_database_that_fails_before_the_commit_is_503_and_the_next_request_works(stand: Stand) -> None:
    """A server that hangs up; on SQLite a disk without space."""

    async def act(work: Work) -> object:
        made = await write(work)
        await (filled(work) if work.link.dialect == "sqlite" else killed(stand, work))
        return made

    before = await dump(stand.owner.engine, stand.org.id)
    for _ in range(5):  # the driver notices in different places
        answered = await stand.perform(act)
        assert answered.status_code == 503, answered.text
        assert int(answered.headers["retry-after"]) > 0
    assert changed(before, await dump(stand.owner.engine, stand.org.id)) == set()
    assert (await stand.perform(write)).status_code == 200


async def test_a_verb_that_only_reads_cannot_write(stand: Stand) -> None:
    """MariaDB's links do not tell reading from writing."""
    before = await dump(stand.owner.engine, stand.org.id)
    answered = await stand.perform(write, "GET")
    assert answered.status_code >= 500, answered.text
    assert changed(before, await dump(stand.owner.engine, stand.org.id)) == set()


# ── the client goes away ─────────────────────────────────────────────────────────────────────────────────────────────


@portable
async def test_a_client_that_leaves_within_its_body_changes_nothing(stand: Stand) -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    performed = []

    async def act(work: Work) -> object:
        performed.append(True)
        return await write(work)

    await exchange(stand, act, receive=receive)
    assert performed == []
    assert not await stand.written()


@portable
async def test_a_client_that_leaves_before_the_answer_undoes_nothing(stand: Stand) -> None:
    async def gone(message: dict) -> None:
        raise OSError("the connection is closed")

    with pytest.raises(OSError, match="closed"):
        await exchange(stand, write, send=gone)
    assert await stand.written()


@portable
async def test_a_request_that_is_cancelled_writes_nothing(stand: Stand) -> None:
    reached = asyncio.Event()

    async def act(work: Work) -> object:
        await write(work)
        reached.set()
        await asyncio.sleep(60)

    for _ in range(POOL + 1):
        reached.clear()
        task = asyncio.create_task(exchange(stand, act))
        await asyncio.wait_for(reached.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not await stand.written()
