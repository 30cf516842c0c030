"""HTTP as it stands on the wire: what is too large, and what keeps working beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from holdfast.wire import MAX_FIELDS, MAX_HEAD, MAX_LINE, Protocol

pytestmark = pytest.mark.unit
WIRE = b" HTTP/1.1\r\nHost: x\r\n"


async def told(scope, receive, send):
    """Answer with what arrived; `/slow` takes a moment before it reads."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    names = [name.decode() for name, _ in scope["headers"]]
    body = json.dumps({"path": scope["path"], "body": size, "headers": names}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(told, http=Protocol, log_config=None, access_log=False)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


async def answer(reader: asyncio.StreamReader) -> httpx.Response:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    line, *fields = head.decode().strip().split("\r\n")
    headers = [tuple(field.split(": ", 1)) for field in fields]
    body = await reader.readexactly(int(dict(headers)["content-length"]))
    return httpx.Response(int(line.split()[1]), headers=headers, content=body)


async def refused(reader: asyncio.StreamReader, status: int, code: str) -> httpx.Response:
    """Check that the next answer is this problem, and that nothing follows it."""
    got = await answer(reader)
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/problem+json"
    assert got.headers["connection"] == "close"
    assert got.headers["x-content-type-options"] == "nosniff"
    problem = got.json()
    assert (problem["code"], problem["request_id"]) == (code, got.headers["x-request-id"])
    assert await asyncio.wait_for(reader.read(), 10) == b""
    return got


async def pour(writer: asyncio.StreamWriter, piece: bytes, times: int) -> None:
    """Send as much as the other side takes."""
    try:
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass


@pytest.mark.parametrize(
    "piece",
    [b"a" * 65536, b"a: b\r\n" * 10_000, b"\r\nX-B: " + b"b" * 65000],
    ids=["one header", "many headers", "several large ones"],
)
async def test_headers_without_end_are_refused_and_not_kept(piece):
    async with connected() as (reader, writer):
        writer.write(b"GET /" + WIRE + b"X-A: ")
        sending = asyncio.create_task(pour(writer, piece, 100))
        await refused(reader, 431, "HEADERS_TOO_LARGE")
        await sending


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"X-A: " + b"a" * (MAX_HEAD - 100) + b"\r\n", 200),
        (b"X-A: " + b"a" * MAX_HEAD + b"\r\n", 431),
        (b"A: b\r\n" * (MAX_FIELDS - 1), 200),
        (b"A: b\r\n" * MAX_FIELDS, 431),
    ],
)
async def test_where_the_limits_of_headers_are(fields, status):
    async with connected() as (reader, writer):
        writer.write(b"GET /" + WIRE + fields + b"\r\n")
        if status == 431:
            await refused(reader, 431, "HEADERS_TOO_LARGE")
        else:
            assert (await answer(reader)).status_code == 200


@pytest.mark.parametrize("length", [MAX_LINE, 100_000])
async def test_a_long_path_is_refused(length):
    async with connected() as (reader, writer):
        writer.write(b"GET /" + b"p" * length + WIRE + b"\r\n")
        await refused(reader, 414, "URI_TOO_LONG")


async def test_a_path_without_end_is_refused():
    async with connected() as (reader, writer):
        writer.write(b"GET /")
        sending = asyncio.create_task(pour(writer, b"p" * 65536, 100))
        await refused(reader, 414, "URI_TOO_LONG")
        await sending


async def test_bodies_and_further_requests_do_not_count():
    size = 3 * MAX_HEAD
    body = b"x" * size
    head = b"X-A: " + b"a" * 30_000 + b"\r\n"
    whole = b"POST /whole" + WIRE + head + b"Content-Length: %d\r\n\r\n" % size + body
    chunks = b"POST /chunks" + WIRE + head + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks += b"".join(b"1\r\nx\r\n" for _ in range(size)) + b"0\r\n\r\n"
    async with connected() as (reader, writer):
        for _ in range(3):
            for path, request in (("/whole", whole), ("/chunks", chunks)):
                writer.write(request)
                got = (await answer(reader)).json()
                assert (got["path"], got["body"]) == (path, size)
        # Without waiting for the answers, and cut where it comes.
        stream = (whole + chunks) * 3
        for at in range(0, len(stream), 100_003):
            writer.write(stream[at : at + 100_003])
        paths = [(await answer(reader)).json()["path"] for _ in range(6)]
        assert paths == ["/whole", "/chunks"] * 3


async def test_trailers_without_end_are_refused():
    async with connected() as (reader, writer):
        writer.write(b"POST /" + WIRE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-A: ")
        sending = asyncio.create_task(pour(writer, b"a" * 65536, 100))
        await refused(reader, 431, "HEADERS_TOO_LARGE")
        await sending


async def test_trailers_do_not_become_headers():
    async with connected() as (reader, writer):
        writer.write(b"POST /slow" + WIRE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-A: a\r\n\r\n")
        assert (await answer(reader)).json()["headers"] == ["host", "transfer-encoding"]


async def test_the_refusal_of_a_later_request_is_not_taken_for_the_answer_of_an_earlier():
    async with connected() as (reader, writer):
        writer.write(b"GET /slow" + WIRE + b"\r\n" + b"GET /" + WIRE + b"A: b\r\n" * MAX_FIELDS + b"\r\n")
        got = await answer(reader)
        assert (got.status_code, got.json()["path"]) == (200, "/slow")
        assert await asyncio.wait_for(reader.read(), 10) == b""


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /caf\xc3\xa9" + WIRE + b"\r\n",
        b"POST /" + WIRE + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /" + WIRE + b"Content-Length: -1\r\n\r\n",
        b"POST /" + WIRE + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"FOO /" + WIRE + b"\r\n",
        b"GET /" + WIRE + b"A : b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /" + WIRE + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=["path", "two lengths", "negative", "twice", "method", "field", "TLS", "chunk"],
)
async def test_what_is_not_http_is_a_problem(request_):
    async with connected() as (reader, writer):
        writer.write(request_)
        await refused(reader, 400, "BAD_REQUEST")
