"""Whatever is wrong with a request, the answer is a problem that names the place; never a 500, never half a change."""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from urllib.parse import quote

import httpx
import pytest
from operations import COMPANIES, Stage
from rows import changed, dump

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
GOOD = {"code": "BAD-1", "name": "Bad"}
PROBLEM = "application/problem+json"


def body(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def raw(name: str) -> bytes:
    """Return a body whose name is this JSON text."""
    return b'{"code": "BAD-1", "name": ' + name.encode() + b"}"


# What is sent as a body: (bytes, status, where the fault is).
BODIES: dict[str, tuple[bytes, int, str]] = {
    "an unknown field": (body(nope=1), 422, "body.nope"),
    "the tenant as a field": (body(tenant_id="01a1fdf4-860f-7af2-9052-0284d7d20a28"), 422, "body.tenant_id"),
    "the id as a field": (body(id="01a1fdf4-860f-7af2-9052-0284d7d20a28"), 422, "body.id"),
    "the version as a field": (body(version=7), 422, "body.version"),
    "a number for a text": (body(name=5), 422, "body.name"),
    "a list for a text": (body(name=["a"]), 422, "body.name"),
    "an object for a text": (body(name={"a": 1}), 422, "body.name"),
    "null for a text": (body(name=None), 422, "body.name"),
    "a boolean for a text": (body(name=True), 422, "body.name"),
    "an unknown choice": (body(status="sleeping"), 422, "body.status"),
    "a list for the whole": (b"[]", 422, "body"),
    "a text for the whole": (b'"text"', 422, "body"),
    "null for the whole": (b"null", 422, "body"),
    "too long a name": (body(name="x" * 201), 422, "body.name"),
    "too long a code": (body(code="x" * 33), 422, "body.code"),
    "an empty name": (body(name=""), 422, "body.name"),
    "a name of blanks": (body(name="   "), 422, "body.name"),
    "a line break": (body(name="a\nb"), 422, "body.name"),
    "an escape character": (body(name="a\x1bb"), 422, "body.name"),
    "a country in small letters": (body(country="gb"), 422, "body.country"),
    "an escaped NUL": (raw(r'"a\u0000b"'), 400, "body.name"),
    "a NUL in a key": (rb'{"na\u0000me": "x"}', 400, "body"),
    "a raw NUL": (b'{"name": "a\x00b"}', 400, "body"),
    "a high surrogate alone": (raw(r'"\ud800"'), 400, "body"),
    "a low surrogate alone": (raw(r'"\udc00"'), 400, "body"),
    "surrogates the wrong way round": (raw(r'"\udc00\ud800"'), 400, "body"),
    "NaN": (raw("NaN"), 400, "body"),
    "Infinity": (raw("Infinity"), 400, "body"),
    "minus Infinity": (raw("-Infinity"), 400, "body"),
    "a number too large": (raw("1e999"), 400, "body"),
    "an integer beyond 64 bits": (raw("1" + "0" * 40), 400, "body.name"),
    "a duplicate key": (b'{"code": "A", "name": "x", "name": "y"}', 400, "body"),
    "a duplicate key, escaped": (rb'{"code": "A", "name": "x", "n\u0061me": "y"}', 400, "body"),
    "a duplicate key inside": (b'{"code": "A", "name": {"a": 1, "a": 2}}', 400, "body.name"),
    "deep lists": (raw("[" * 5_000 + "]" * 5_000), 400, "body"),
    "deep objects": (raw('{"a":' * 200 + "1" + "}" * 200), 400, "body"),
    "deep lists left open": (raw("[" * 100_000), 400, "body"),
    "many values": (raw("[" + "1," * 150_000 + "1]"), 400, "body"),
    "more than a mebibyte": (raw('"' + "x" * 1_100_000 + '"'), 413, "body"),
    "nothing": (b"", 422, "body"),
    "blanks only": (b"  ", 400, "body"),
    "half an object": (b'{"name": ', 400, "body"),
    "two values": (b"{} {}", 400, "body"),
    "a comment": (b'{"name": "x" /* y */}', 400, "body"),
    "a comma too many": (b'{"name": "x",}', 400, "body"),
    "single quotes": (b"{'name': 'x'}", 400, "body"),
    "a byte order mark": (b"\xef\xbb\xbf" + body(), 400, "body"),
    "UTF-16": (body().decode().encode("utf-16"), 400, "body"),
    "Latin-1": ('{"name": "é"}'.encode("latin-1"), 400, "body"),
}
TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "application/xml",
    "json",
]

PARAMETERS: dict[str, str] = {
    "nope=1": "query.nope",
    "tenant_id=01a1fdf4-860f-7af2-9052-0284d7d20a28": "query.tenant_id",
    "page=0": "query.page",
    "page=-1": "query.page",
    "page=x": "query.page",
    "page=1.5": "query.page",
    "page=": "query.page",
    "page=1e3": "query.page",
    "page=" + "9" * 40: "query.page",
    "page_size=0": "query.page_size",
    "page_size=201": "query.page_size",
    "page_size=NaN": "query.page_size",
    "status=sleeping": "query.status",
    "country=GBR": "query.country",
    "created_from=yesterday": "query.created_from",
    "created_from=0001-01-01T00:00:00%2B14:00": "query.created_from",
    "created_to=9999-12-31T23:59:59-00:01": "query.created_to",
    "created_from=2026-01-01T00:00:00": "query.created_from",
    "created_to=2026-13-01T00:00:00Z": "query.created_to",
    "deleted=perhaps": "query.deleted",
    "count=all": "query.count",
    "sort=nope": "query.sort",
    "sort=--name": "query.sort",
    "sort=name;drop": "query.sort",
    "sort=tenant_id": "query.sort",
    "q=" + "x" * 201: "query.q",
    "q=a%00b": "query.q",
    "cursor=x": "query.cursor",
    "cursor=" + "A" * 80: "query.cursor",
    "cursor=" + "A" * 5000: "query.cursor",
    "cursor=%00": "query.cursor",
    "cursor=%F0%9F%92%A9": "query.cursor",
}
# Bytes that are no UTF-8: Starlette reads them with a replacement character, which is a text like any other.
READABLE = ["q=%FF", "q=%ED%A0%80", "q=%", "q=%E2%80%AE", "q='; DROP TABLE company --", "q=%25%5F", "country=&q="]


def assert_problem(answer: httpx.Response, status: int, location: str, what: str) -> None:
    assert answer.status_code == status, (what, answer.text)
    assert answer.headers["content-type"] == PROBLEM, what
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    named = [error["location"] for error in problem["errors"]]
    assert location in named or any(each.startswith(f"{location}.") for each in named), (what, problem)
    assert all(error["code"] == error["code"].lower() and error["message"] for error in problem["errors"])
    assert len(answer.content) < 20_000, "the answer repeats what was sent"


async def bearers(stage: Stage) -> list[dict[str, str]]:
    """Return sessions for more requests than the limit gives one of them."""
    return [(await stage.user("Admin")).bearer for _ in range(2)]


def in_parts(cases: dict[str, object], parts: int) -> Iterator[list[tuple[str, object]]]:
    each = iter(cases.items())
    for _ in range(parts):
        yield list(islice(each, (len(cases) + parts - 1) // parts))


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_bad_bodies(method: str, stage: Stage, owner) -> None:
    url = COMPANIES if method == "POST" else f"{COMPANIES}/{await stage.company()}"
    callers = await bearers(stage)
    before = await dump(owner.engine, stage.org.id)
    for bearer, part in zip(callers, in_parts(BODIES, 2), strict=True):
        for what, (content, status, location) in part:
            headers = {**bearer, "Content-Type": "application/json"}
            answer = await stage.client.request(method, url, content=content, headers=headers)
            assert_problem(answer, status, location, what)
    for kind in TYPES:
        headers = {**callers[0], "Content-Type": kind}
        answer = await stage.client.request(method, url, content=body(), headers=headers)
        assert_problem(answer, 415, "header.Content-Type", kind)
    assert changed(before, await dump(owner.engine, stage.org.id)) == set()


def assert_problem_without_place(answer: httpx.Response, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text


async def test_bad_parameters_of_a_list(stage: Stage) -> None:
    first, second = await bearers(stage)
    for query, location in PARAMETERS.items():
        answer = await stage.client.get(f"{COMPANIES}?{query}", headers=first)
        assert_problem(answer, 422, location, query[:60])
    for query in READABLE:
        answer = await stage.client.get(f"{COMPANIES}?{quote(query, safe='=&%')}", headers=second)
        assert answer.status_code in (200, 422), (query, answer.text)
    for query in ("page=1&page=2", "status=active&status=inactive", "q=a&q=a", "country=GB&q=x&country=GB"):
        answer = await stage.client.get(f"{COMPANIES}?{query}", headers=second)
        assert_problem(answer, 422, f"query.{query.partition('=')[0]}", query)


async def test_cursors_are_good_only_where_they_were_given(stage: Stage, other) -> None:
    for _ in range(3):
        await stage.company()
    head = stage.org.admin.bearer
    page = (await stage.client.get(f"{COMPANIES}?page_size=1", headers=head)).json()
    cursor = page["meta"]["next_cursor"]
    assert (await stage.client.get(f"{COMPANIES}?page_size=1&cursor={cursor}", headers=head)).status_code == 200
    middle = len(cursor) // 2
    changed_one = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for what, query, caller in (
        ("changed", f"cursor={changed_one}", stage.org),
        ("cut short", f"cursor={cursor[:-3]}", stage.org),
        ("made longer", f"cursor={cursor}AA", stage.org),
        ("another order", f"sort=-code&cursor={cursor}", stage.org),
        ("another organisation", f"page_size=1&cursor={cursor}", other),
    ):
        answer = await stage.client.get(f"{COMPANIES}?{query}", headers=caller.admin.bearer)
        assert_problem(answer, 422, "query.cursor", what)
    elsewhere = await stage.client.get(f"/api/v1/org/people?cursor={cursor}", headers=head)
    assert_problem(elsewhere, 422, "query.cursor", "another list")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_bad_ids(method: str, stage: Stage) -> None:
    for bad in (
        "x",
        "1",
        "01a1fdf4",
        "01a1fdf4-860f-7af2-9052-0284d7d20a2",
        "%00",
        "..%2f..",
        "'or'1'='1",
        "x" * 500,
        "-1",
    ):
        request = {} if method in ("GET", "DELETE") else {"json": GOOD}
        answer = await stage.client.request(
            method, f"{COMPANIES}/{quote(bad, safe='%')}", headers=stage.org.admin.bearer, **request
        )
        assert answer.status_code in (404, 422), (bad, answer.text)
        assert answer.headers["content-type"] == PROBLEM
        if answer.status_code == 422:
            assert [error["location"] for error in answer.json()["errors"]] == ["path.company_id"]


async def test_bad_headers(stage: Stage) -> None:
    url = f"{COMPANIES}/{await stage.company()}"
    for tag in ("x", '"x"', '"1", "2"', "W/", '"-1"', '"' + "9" * 30 + '"', '"１"'):
        headers = {**stage.org.admin.bearer, "If-Match": tag.encode()}
        answer = await stage.client.patch(url, json={"name": "New"}, headers=headers)
        assert_problem(answer, 422, "header.If-Match", tag)
    for key in ("", "x" * 256, "a\tb"):
        headers = {**stage.org.admin.bearer, "Idempotency-Key": key}
        answer = await stage.client.post(COMPANIES, json=GOOD, headers=headers)
        assert_problem(answer, 422, "header.Idempotency-Key", key)
    for authorization in ("x", "Bearer", "Bearer ", "Basic YTpi", "Bearer " + "x" * 9000, "Bearer a.b.c", "Bearer é"):
        answer = await stage.client.get(COMPANIES, headers={"Authorization": authorization.encode()})
        assert_problem_without_place(answer, 401)


async def test_a_body_without_end_is_not_read_to_the_end(stage: Stage) -> None:
    """No length is announced; what is taken in before the refusal is bounded."""
    chunk, taken = b"x" * 65_536, []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            taken.append(len(chunk))
            yield chunk

    headers = {**stage.org.admin.bearer, "Content-Type": "application/json"}
    answer = await stage.client.post(COMPANIES, content=endless(), headers=headers)
    assert_problem_without_place(answer, 413)
    assert sum(taken) < 2_000_000


async def test_a_length_that_is_announced_too_large_is_refused_before_a_byte_is_read(stage: Stage) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {**stage.org.admin.bearer, "Content-Type": "application/json", "Content-Length": "5000000000"}
    answer = await stage.client.post(COMPANIES, content=nothing(), headers=headers)
    assert_problem_without_place(answer, 413)
