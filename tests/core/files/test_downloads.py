"""Downloads: ranges, ETags, and what no browser may take for a page of ours."""

import asyncio
from dataclasses import replace
from urllib.parse import unquote

import pytest
from uploads import PDF, PNG, URL, made

from holdfast.core.files.service.cabinet import SLOT, cabinet_of
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.storage.local import LocalStorage
from holdfast.main import create_app

pytestmark = pytest.mark.endpoint
CONTENT = bytes(range(256)) * 20_000  # five megabytes: several blocks
HTML = b"<!doctype html><script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
async def url(client, org) -> str:
    return f"{URL}/{(await made(client, org, CONTENT, 'a.bin'))['id']}/content"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1048570-1048590", 1048570, 1048591),
        ("bytes=5119990-", 5119990, 5120000),
        ("bytes=-5", 5119995, 5120000),
        ("bytes=-99999999", 0, 5120000),
        ("bytes=5119999-99999999", 5119999, 5120000),
        ("Bytes = 3 - 4 ", 3, 5),
    ],
)
async def test_a_range(client, org, url, asked, start, stop):
    answer = await client.get(url, headers={**org.user.bearer, "Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:stop]), answer.headers
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=5120000-", "bytes=9999999-99999999", "bytes=-0"])
async def test_a_range_that_cannot_be_given(client, org, url, asked):
    answer = await client.get(url, headers={**org.user.bearer, "Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert answer.json()["errors"][0]["location"] == "header.Range"


@pytest.mark.parametrize(
    "asked",
    ["items=0-1", "bytes=5-2", "bytes=a-b", "bytes", "bytes=1", "bytes=-", "bytes=0-1,5-6", "bytes=" + "9" * 30 + "-"],
)
async def test_a_range_that_means_nothing_or_is_several_is_passed_over(client, org, url, asked):
    answer = await client.get(url, headers={**org.user.bearer, "Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(CONTENT))


async def test_etag_if_none_match_and_if_range(client, org, url):
    whole = await client.get(url, headers=org.user.bearer)
    tag = whole.headers["etag"]
    assert (whole.content, tag[0], whole.headers["accept-ranges"]) == (CONTENT, '"', "bytes")
    same = await client.get(url, headers={**org.user.bearer, "If-None-Match": tag, "Range": "bytes=0-3"})
    assert (same.status_code, same.content) == (304, b"")
    part = await client.get(url, headers={**org.user.bearer, "If-Range": tag, "Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, CONTENT[:4])
    other = await client.get(url, headers={**org.user.bearer, "If-Range": '"other"', "Range": "bytes=0-3"})
    assert (other.status_code, len(other.content)) == (200, len(CONTENT))
    head = await client.head(url, headers=org.user.bearer)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))
    part = await client.head(url, headers={**org.user.bearer, "Range": "bytes=0-3"})
    assert (part.status_code, part.headers["content-length"]) == (200, str(len(CONTENT))), "a range is for GET alone"


async def test_ranges_of_nothing(client, org):
    url = f"{URL}/{(await made(client, org, b'', 'empty.txt'))['id']}/content"
    for asked, status in (("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-0", 416), ("bytes=-5", 200)):
        answer = await client.get(url, headers={**org.user.bearer, "Range": asked})
        assert (answer.status_code, answer.headers.get("content-range")) == (
            status,
            "bytes */0" if status == 416 else None,
        ), asked


class Counting(LocalStorage):
    """A folder that counts what is read of it, and what of that was let go of."""

    def __init__(self, root) -> None:
        super().__init__(root)
        self.blocks = self.closed = 0

    async def get(self, key: str, start: int = 0, stop: int | None = None):
        try:
            async for block in super().get(key, start, stop):
                self.blocks += 1
                yield block
        finally:
            self.closed += 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_of_what_nobody_reads_no_more_is_fetched(home, org, url, monkeypatch, method):
    """A caller goes after the first block, or asks for the head alone; the server itself would go on in silence."""
    storage = Counting(home.settings.holdfast_home / "files")
    monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), storage=storage))
    sent, gone = [], asyncio.Event()
    coming = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        first = next(coming, None)
        if first is not None:
            return first
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if message.get("body"):
            gone.set()
            await asyncio.sleep(0.01)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "headers": [(b"authorization", org.user.bearer["Authorization"].encode()), (b"host", b"127.0.0.1:8000")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await create_app(home.settings, home)(scope, receive, send)
    assert sent[0]["status"] == 200
    assert sum(len(message.get("body", b"")) for message in sent) < len(CONTENT) / 2
    assert (storage.blocks < 3, storage.closed) == (True, 1)
    assert method == "GET" or not any(message.get("body") for message in sent)


async def test_nothing_on_the_way_packs_a_content(client, org):
    file = await made(client, org, b"the same line\n" * 5000, "long.txt")
    url = f"{URL}/{file['id']}/content"
    answer = await client.get(url, headers={**org.user.bearer, "Accept-Encoding": "gzip"})
    assert answer.headers["content-length"] == str(file["size"])
    assert answer.headers["content-encoding"] == "identity"


@pytest.mark.parametrize(
    ("name", "content", "kind", "inline"),
    [
        ("a.html", HTML, "text/html", False),
        ("a.svg", SVG, "image/svg+xml", False),
        ("page", HTML, "text/html", False),
        ("a.png", PNG, "image/png", False),
        ("a.pdf", PDF, "application/pdf", True),
    ],
)
async def test_what_a_browser_might_run_is_always_saved(client, org, name, content, kind, inline):
    file = await made(client, org, content, name)
    for query, shown in (("", False), ("?inline=true", inline)):
        answer = await client.get(f"{URL}/{file['id']}/content{query}", headers=org.user.bearer)
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert answer.headers["content-disposition"].startswith("inline" if shown else "attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script-src" not in policy
        assert shown or "sandbox" in policy


@pytest.mark.parametrize("name", ['a"b;c.txt', "a%22b.txt", "naïve – 名前.txt", "x" * 255, "filename=evil.txt"])
async def test_a_name_stays_within_its_header(client, org, name):
    file = await made(client, org, b"x", name)
    answer = await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)
    held = answer.headers["content-disposition"]
    assert held.startswith('attachment; filename="')
    assert held.count('"') == 2
    assert held.isascii()
    assert unquote(held.partition("filename*=UTF-8''")[2]) == name


async def test_a_sensitive_file_leaves_an_entry_for_each_read(client, org, home, monkeypatch):
    rule = FileRule("test.secret", "Secret", sensitive=True, read="identity.user.read")
    monkeypatch.setitem(cabinet_of(home.works).rules, rule.name, rule)
    file = await made(client, org, b"secret", rule="test.secret")
    url = f"{URL}/{file['id']}"
    for path in (url, f"{url}/content", f"{url}/versions"):
        assert (await client.get(path, headers=org.user.bearer)).status_code == 404, "the rule asks for another right"
    assert (await client.get(URL, headers=org.user.bearer)).json()["data"] == []
    answer = await client.get(f"{url}/content", headers=org.auditor.bearer)
    assert (answer.content, answer.headers["cache-control"]) == (b"secret", "no-store")
    found = await client.get("/api/v1/audit/entries?action=files.file.downloaded", headers=org.auditor.bearer)
    [entry] = found.json()["data"]
    assert (entry["entity_id"], entry["actor_id"]) == (file["id"], str(org.auditor.id))


async def test_a_content_that_is_gone_from_the_storage_is_an_error_and_no_broken_answer(client, org, home):
    file = await made(client, org, b"soon gone")
    root = home.settings.holdfast_home / "files" / str(org.id)
    for each in root.rglob("*"):
        if each.is_file():
            each.unlink()
    answer = await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)
    assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE"), answer.text
