"""Uploads that are refused or break off: nothing stays of them, and the next one goes well."""

import asyncio
import resource
from uuid import uuid4

import pytest
from sqlalchemy import select
from uploads import PDF, PNG, URL, kept, made, send, zipped

from holdfast.core.files.models import StoredObject
from holdfast.core.files.service import staging
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.kernel.plugins import FileRule
from holdfast.main import create_app

pytestmark = pytest.mark.endpoint


@pytest.fixture(autouse=True)
async def nothing_left(client, org):
    """After each of these tests there is nothing in the storage but what was accepted, and the server still works."""
    yield
    async with org.work(write=False) as work:
        accepted = (await work.session.scalars(select(StoredObject.size))).all()
    assert sorted(kept(org).values()) == sorted(accepted)
    assert (await send(client, org, uuid4().hex.encode())).status_code == 201


def refused(answer, status: int, code: str, location: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if location is not None:
        assert [each["location"] for each in answer.json()["errors"]] == [location], answer.text


@pytest.mark.parametrize(
    "name",
    ["../up.txt", "a/b", "a\\b", "..", "a\r\nSet-Cookie: x=y", "nul\0", "\u202ecod.exe", " ", "x" * 256],
)
async def test_a_name_that_is_a_path_or_breaks_a_header(client, org, name):
    answer = await send(client, org, name=name)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["location"] == "query.name"


async def test_no_name(client, org):
    answer = await client.post(URL, content=b"x", headers=org.admin.bearer)
    refused(answer, 422, "INVALID", "query.name")


async def test_an_unknown_rule_and_half_an_owner(client, org):
    refused(await send(client, org, rule="no.such"), 422, "INVALID", "body.rule")
    assert (await send(client, org, owner_kind="company")).status_code == 422
    assert (await send(client, org, owner_kind="company", owner_id="x")).status_code == 422
    assert (await send(client, org, surprise="x")).status_code == 422


async def test_a_rule_takes_its_types_and_sizes_only(client, org, home, monkeypatch):
    rule = FileRule("test.images", "Images", types=("image/png",), max_bytes=1000)
    monkeypatch.setitem(cabinet_of(home.works).rules, rule.name, rule)
    assert (await send(client, org, PNG, "a.png", rule="test.images")).status_code == 201
    refused(await send(client, org, PDF, "a.png", rule="test.images"), 422, "FILE_REFUSED", "body.file")
    refused(await send(client, org, PNG + b"x" * 1000, "a.png", rule="test.images"), 413, "CONTENT_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", PNG),
        ("a.png", b"MZ" + b"\0" * 100),
        ("a.txt", PDF),
        ("a.docx", zipped(readme=b"no document")),
        ("a.jpg", b"<script>"),
    ],
)
async def test_an_extension_that_contradicts_the_content(client, org, name, content):
    answer = await send(client, org, content, name)
    refused(answer, 422, "FILE_REFUSED", "body.file")
    assert answer.json()["errors"][0]["code"] == "contradiction"


async def test_more_bytes_than_a_file_may_have(client, org, home, monkeypatch):
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"files_max_bytes": 300_000}))
    refused(await send(client, org, b"x" * 300_001), 413, "CONTENT_TOO_LARGE")

    async def unannounced():
        for _ in range(10):
            yield b"x" * 50_000

    headers = {**org.admin.bearer, "Content-Type": "application/octet-stream"}
    refused(await client.post(f"{URL}?name=a", content=unannounced(), headers=headers), 413, "CONTENT_TOO_LARGE")
    files = {"file": ("a.txt", b"x" * 300_001)}
    refused(await client.post(URL, files=files, headers=org.admin.bearer), 413, "CONTENT_TOO_LARGE")


async def test_no_room_left_in_the_organisation(client, org, other, home, monkeypatch):
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"files_quota_mb": 1}))
    first = await made(client, org, b"1" * 600_000)
    refused(await send(client, org, b"2" * 600_000), 413, "QUOTA_EXCEEDED")
    assert (await send(client, other, b"2" * 600_000)).status_code == 201, "others have room of their own"
    url = f"{URL}/{first['id']}/versions"
    refused(await send(client, org, b"3" * 600_000, url=url), 413, "QUOTA_EXCEEDED")


async def test_a_full_disk(client, org):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000_000, hard))
    try:
        answer = await send(client, org, b"x" * 65_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused(answer, 507, "STORAGE_FULL")


async def asgi(home, org, messages, *, content_type="application/octet-stream", query=b"name=a.txt"):
    """Send a request of which we hold each message ourselves, and return status and body of the answer."""
    app, sent = create_app(home.settings, home), []
    headers = [(b"authorization", org.admin.bearer["Authorization"].encode()), (b"content-type", content_type.encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": URL,
        "raw_path": URL.encode(),
        "query_string": query,
        "headers": [*headers, (b"host", b"127.0.0.1:8000")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    coming = iter(messages)

    async def receive():
        message = next(coming, None)
        if message is None:
            await asyncio.sleep(60)
        return message

    async def send_(message):
        sent.append(message)

    await app(scope, receive, send_)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def part(body: bytes) -> dict:
    return {"type": "http.request", "body": body, "more_body": True}


async def test_a_caller_who_goes_away(home, org, client):
    gone = [part(b"x" * 3_000_000), {"type": "http.disconnect"}]
    status, body = await asgi(home, org, gone)
    assert (status, b"UPLOAD_BROKEN" in body) == (400, True)
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"x" * 3_000_000
    status, body = await asgi(
        home, org, [part(form), {"type": "http.disconnect"}], content_type="multipart/form-data; boundary=b", query=b""
    )
    assert (status, b"UPLOAD_BROKEN" in body) == (400, True)


async def test_a_caller_who_stops_sending(home, org, client, monkeypatch):
    monkeypatch.setattr(staging, "STALLED_SECONDS", 0.2)
    status, body = await asgi(home, org, [part(b"x" * 2_000_000)])
    assert (status, b"UPLOAD_STALLED" in body) == (408, True)


FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontent\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nb.txt\r\n'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"nonsense",
        FIELD + b"--b--\r\n",
        FILE,
        FILE + FIELD + b"--b--\r\n",
        FILE + FILE + b"--b--\r\n",
        FIELD + FIELD + FILE + b"--b--\r\n",
        FIELD.replace(b"b.txt", b"x" * 5000) + FILE + b"--b--\r\n",
        FIELD.replace(b"b.txt", b"\xff") + FILE + b"--b--\r\n",
        FILE.replace(b'name="file"', b'name="other"') + b"--b--\r\n",
        FILE.replace(b"form-data", b"attachment") + b"--b--\r\n",
        b"--b\r\n" + b"X-A: " + b"y" * 100_000 + b"\r\n\r\n",
        FILE.replace(b"--b\r\n", b"--c\r\n"),
    ],
)
async def test_a_form_that_is_none(client, org, body):
    headers = {**org.admin.bearer, "Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post(URL, content=body, headers=headers)
    refused(answer, 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 300}"]
)
async def test_a_form_without_a_boundary(client, org, kind):
    whole = FILE + b"--b--\r\n"  # with a boundary that is known it would be taken
    answer = await client.post(URL, content=whole, headers={**org.admin.bearer, "Content-Type": kind})
    refused(answer, 400, "BAD_REQUEST")


async def test_a_form_that_comes_byte_by_byte(home, org, client):
    whole = FIELD + FILE + b"--b--\r\n"
    messages = [part(whole[at : at + 1]) for at in range(len(whole))]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    status, body = await asgi(home, org, messages, content_type="multipart/form-data; boundary=b", query=b"")
    assert (status, b'"name":"b.txt"' in body) == (201, True), body


async def test_the_same_request_sent_twice_makes_one_file(client, org):
    key = {"Idempotency-Key": uuid4().hex}
    first, second = [await send(client, org, b"once", headers=key) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert (first.json()["id"], second.headers["idempotency-replayed"]) == (second.json()["id"], "true")
    refused(await send(client, org, b"another", headers=key), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_commit_that_fails_leaves_no_bytes(client, org, home, monkeypatch):
    async def fail(*_):
        raise RuntimeError("the trail cannot be written")

    trail = home.works.recorder
    monkeypatch.setattr(type(trail), "write", fail)
    answer = await send(client, org, b"never there")
    monkeypatch.undo()
    assert answer.status_code == 500, answer.text
