"""What every request meets before and after the application."""

import asyncio
import gzip
import io
import json
import re
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import parse_id
from holdfast.kernel.middleware import MAX_BODY_KEY, wrap
from holdfast.kernel.middleware.clients import address_key
from holdfast.kernel.telemetry import Telemetry, configure_logging
from support import routed

pytestmark = pytest.mark.unit

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LONG = "x" * 2000


def settings(**given):
    values = {"trusted_proxies": (), "allowed_hosts": (), "allowed_origins": (), "max_body_bytes": 1000, **given}
    return SimpleNamespace(**values)


def make_app():
    app = FastAPI()

    @app.get("/api/v1/facts")
    async def facts(request: Request):
        state = request.scope["state"]
        return {
            "ip": state["client_ip"],
            "id": state["request_id"],
            "trace": state.get("trace_id"),
            "scheme": request.url.scheme,
        }

    @app.get("/api/v1/things/{thing_id}")
    async def thing(thing_id: str, request: Request):
        request.scope["state"]["tenant_id"] = "tenant-1"
        return {"id": thing_id}

    @app.get("/long")
    async def long(kind: str = "text/plain"):
        return Response(LONG, media_type=kind)

    @app.get("/api/docs")
    async def docs():
        return Response("x", headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"})

    @app.get("/boom")
    async def boom():
        raise RuntimeError("internal words")

    @app.get("/cut")
    async def cut():
        async def parts():
            yield b"one"
            raise RuntimeError("internal words")

        return StreamingResponse(parts())

    @app.get("/events")
    async def events():
        async def parts():
            for _ in range(3):
                yield b"data: " + b"x" * 1000 + b"\n\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.post("/api/v1/read")
    async def read(request: Request):
        return len(await request.body())

    @app.post("/api/v1/json")
    async def body(body: dict[str, str]):
        return len(body)

    @app.post("/upload")
    async def upload(request: Request):
        request.scope[MAX_BODY_KEY] = 5000
        return len(await request.body())

    return routed(app)


def chain(app=None, *, telemetry=None, answer=None, **given):
    return wrap(app or make_app(), settings(**given), telemetry=telemetry or Telemetry(), answer=answer)


async def call(app, method="GET", path="/api/v1/facts", *, peer="203.0.113.9", base="http://holdfast.test", **more):
    transport = httpx.ASGITransport(app, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        return await client.request(method, path, **more)


# Security headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/facts", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/boom", 405),
        ("TRACE", "/boom", 405),
        ("GET", "/boom", 500),
        ("POST", "/api/v1/json", 422),
        ("POST", "/api/v1/read", 413),
        ("OPTIONS", "/api/v1/facts", 403),
    ],
)
async def test_every_answer_has_every_header(method, path, status):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    content = b"x" * 2000 if path.endswith("read") else None
    app = chain(allowed_origins=("https://good.example",))
    answer = await call(app, method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "camera=()" in answer.headers["permissions-policy"]
    assert parse_id(answer.headers["x-request-id"])
    assert "strict-transport-security" not in answer.headers
    assert answer.headers.get("cache-control") == ("no-store" if path.startswith("/api/") else None)
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert answer.json()["status"] == status
        assert "internal words" not in answer.text


async def test_a_refused_host_gets_every_header_too():
    answer = await call(chain(allowed_hosts=("other.test",)))
    assert answer.status_code == 400
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_application_that_fails_outside_its_own_handlers_is_answered():
    async def broken(scope, receive, send):
        raise KeyError("internal words")

    answer = await call(chain(broken, allowed_origins=("https://good.example",)), path="/console/x")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["cache-control"] == "no-store"
    assert "internal words" not in answer.text


async def test_what_fails_in_the_middle_of_the_chain_is_answered(monkeypatch):
    async def failing(self, scope, receive, send):
        raise RuntimeError("internal words")

    monkeypatch.setattr("holdfast.kernel.middleware.GZipMiddleware.__call__", failing)
    answer = await call(chain(), headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert HEADERS.items() <= dict(answer.headers).items()


async def test_a_route_may_set_its_own_policy():
    answer = await call(chain(), path="/api/docs")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_list("cache-control") == ["max-age=60"]


async def test_hsts_only_over_https():
    answer = await call(chain(), base="https://holdfast.test")
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole():
    with pytest.raises(RuntimeError):
        await call(chain(), path="/cut")


async def test_errors_may_be_pages():
    def page(error, request):
        return PlainTextResponse(f"page {error.code} {request.url.path}", error.status)

    app = chain(answer=page, allowed_hosts=("other.test",))
    assert (await call(app)).text == "page BAD_REQUEST /api/v1/facts"

    def broken(error, request):
        raise RuntimeError("internal words")

    answer = await call(chain(answer=broken, allowed_hosts=("other.test",)))
    assert answer.json()["code"] == "BAD_REQUEST"


# Request id


@pytest.mark.parametrize("given", ["abcd1234", "A.b_c-" + "9" * 58])
async def test_a_plain_request_id_is_kept(given):
    answer = await call(chain(), headers={"X-Request-ID": given})
    assert answer.headers.get_list("x-request-id") == [given]
    assert answer.json()["id"] == given


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "with space1", "tab\tinside", "ümlaut-12345".encode(), "a\"b'c<d>e"]
)
async def test_another_request_id_is_replaced(given):
    answer = await call(chain(), headers={"X-Request-ID": given})
    assert parse_id(answer.headers["x-request-id"])
    assert answer.headers["x-request-id"][14] == "7"


async def test_the_trace_id_is_taken():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await call(chain(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.json()["trace"] == trace
    for wrong in (f"ff-{trace}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", "00-x-y-01", "\n"):
        answer = await call(chain(), headers={"traceparent": wrong.encode()})
        assert answer.json()["trace"] is None


# Trusted proxies


@pytest.mark.parametrize(
    ("peer", "headers", "ip"),
    [
        ("203.0.113.9", {"X-Forwarded-For": "1.2.3.4"}, "203.0.113.9"),
        ("203.0.113.9", {"Forwarded": "for=1.2.3.4"}, "203.0.113.9"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "6.6.6.6, 1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.9.9.9"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "10.0.0.7, 10.9.9.9"}, "10.0.0.7"),
        ("10.0.0.1", {"X-Forwarded-For": "a"}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": "a, 1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "1.2.3.4, a"}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": "1.2.3.4, a, 10.0.0.2"}, "10.0.0.2"),
        ("10.0.0.1", {"X-Forwarded-For": ""}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": "1.2.3.4:5678"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "::ffff:1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "[2001:db8::0:1]:443"}, "2001:db8::1"),
        ("10.0.0.1", {"X-Forwarded-For": "2001:DB8::1"}, "2001:db8::1"),
        ("10.0.0.1", {"X-Forwarded-For": ",".join(["9.9.9.9"] * 5000) + ",1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "1" * 5000}, "10.0.0.1"),
        ("10.0.0.1", {"Forwarded": 'for="[2001:db8::1]:80";proto=https'}, "2001:db8::1"),
        ("10.0.0.1", {"Forwarded": "for=6.6.6.6, for=1.2.3.4;by=x"}, "1.2.3.4"),
        ("10.0.0.1", {"Forwarded": "for=unknown"}, "10.0.0.1"),
        ("10.0.0.1", {"Forwarded": "for=6.6.6.6", "X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
        ("::ffff:10.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
        ("2001:db8:1::5", {"X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
        ("2001:db8:2::5", {"X-Forwarded-For": "1.2.3.4"}, "2001:db8:2::5"),
    ],
)
async def test_the_address_is_the_last_hop_we_do_not_trust(peer, headers, ip):
    app = chain(trusted_proxies=("10.0.0.0/8", "2001:db8:1::/48"))
    assert (await call(app, peer=peer, headers=headers)).json()["ip"] == ip


async def test_without_trusted_proxies_nothing_they_say_counts():
    answer = await call(chain(), headers={"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"})
    assert answer.json() | {"id": ""} == {"ip": "203.0.113.9", "id": "", "trace": None, "scheme": "http"}


async def test_several_headers_are_one_list():
    app = chain(trusted_proxies=("10.0.0.1",))
    headers = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "1.2.3.4")]
    assert (await call(app, peer="10.0.0.1", headers=headers)).json()["ip"] == "1.2.3.4"


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ({"X-Forwarded-Proto": "https"}, "https"),
        ({"X-Forwarded-Proto": "https, http"}, "http"),
        ({"X-Forwarded-Proto": "gopher"}, "http"),
        ({"Forwarded": "for=1.2.3.4;proto=https"}, "https"),
    ],
)
async def test_the_scheme_is_what_a_trusted_proxy_says(headers, scheme):
    app = chain(trusted_proxies=("10.0.0.1",))
    answer = await call(app, peer="10.0.0.1", headers=headers)
    assert answer.json()["scheme"] == scheme
    assert ("strict-transport-security" in answer.headers) is (scheme == "https")


async def test_a_socket_file_is_trusted_when_listed():
    async def ask(trusted):
        app = chain(trusted_proxies=trusted)
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/facts", "raw_path": b"/api/v1/facts", "query_string": b"",
            "headers": [(b"host", b"h"), (b"x-forwarded-for", b"1.2.3.4")], "client": None, "server": ("h", 80),
            "scheme": "http", "root_path": "", "http_version": "1.1", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await app(scope, receive, send)
        return json.loads(sent[1]["body"])["ip"]

    assert await ask(("unix",)) == "1.2.3.4"
    assert await ask(("10.0.0.0/8",)) == ""


def test_a_bad_network_stops_the_start():
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        chain(trusted_proxies=("10.0.0.0/33",))


def test_an_ipv6_host_counts_as_its_network():
    assert address_key("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert address_key("203.0.113.9") == "203.0.113.9"


# CORS

GOOD = "https://good.example"


async def test_a_listed_origin_may_read_without_cookies():
    answer = await call(chain(allowed_origins=(GOOD,)), headers={"Origin": GOOD})
    assert answer.headers["access-control-allow-origin"] == GOOD
    assert "access-control-allow-credentials" not in answer.headers
    for name in ("ETag", "Location", "X-Request-ID", "RateLimit", "Retry-After", "Link", "Deprecation"):
        assert name in answer.headers["access-control-expose-headers"].split(", ")
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://good.example.evil", "http://good.example", "*"]
)
@pytest.mark.parametrize("allowed", [(GOOD,), (GOOD, "null"), ()])
async def test_another_origin_is_not_reflected(origin, allowed):
    app = chain(allowed_origins=allowed)
    answer = await call(app, headers={"Origin": origin})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = await call(app, "OPTIONS", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    assert answer.status_code in (403, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_preflight():
    app = chain(allowed_origins=(GOOD,))
    asked = {
        "Origin": GOOD,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "Authorization, if-match",
    }
    answer = await call(app, "OPTIONS", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == GOOD
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "if-match" in answer.headers["access-control-allow-headers"]
    assert HEADERS.items() <= dict(answer.headers).items()
    for wrong in ({"Access-Control-Request-Method": "TRACE"}, {"Access-Control-Request-Headers": "x-evil"}):
        answer = await call(app, "OPTIONS", headers=asked | wrong)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_everyone_means_a_star_but_not_null():
    app = chain(allowed_origins=("*",))
    assert (await call(app, headers={"Origin": "https://x.example"})).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in (await call(app, headers={"Origin": "null"})).headers


async def test_errors_can_be_read_by_a_listed_origin():
    answer = await call(chain(allowed_origins=(GOOD,)), path="/boom", headers={"Origin": GOOD})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, GOOD)


# Compression


async def raw_call(path, **headers):
    """Return the answer with its body as it went over the wire."""
    transport = httpx.ASGITransport(chain())
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://x") as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_long_answers_are_compressed():
    answer, body = await raw_call("/long", **{"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert int(answer.headers["content-length"]) == len(body) < 200
    assert gzip.GzipFile(fileobj=io.BytesIO(body)).read().decode() == LONG


@pytest.mark.parametrize(
    ("path", "accepts"),
    [
        ("/long", "identity"),
        ("/long", "gzip;q=0, identity"),
        ("/long", "gzip; q=0"),
        ("/long?kind=image/png", "gzip"),
        ("/long?kind=application/zip", "gzip"),
        ("/long?kind=application/pdf", "gzip"),
        ("/api/v1/facts", "gzip"),
        ("/events", "gzip"),
    ],
)
async def test_other_answers_are_not_compressed(path, accepts):
    answer, _ = await raw_call(path, **{"Accept-Encoding": accepts})
    assert "content-encoding" not in answer.headers


async def test_a_weight_that_is_not_zero_is_accepted():
    answer, _ = await raw_call("/long", **{"Accept-Encoding": "gzip;q=0.5"})
    assert answer.headers["content-encoding"] == "gzip"


# Body size


@pytest.mark.parametrize("path", ["/api/v1/read", "/api/v1/json"])
async def test_a_body_announced_too_large_is_refused_before_it_is_read(path):
    answer = await call(chain(), "POST", path, json={"a": "x" * 1000})
    assert (answer.status_code, answer.json()["code"]) == (413, "CONTENT_TOO_LARGE")
    assert answer.headers["connection"] == "close"


async def test_nothing_is_read_of_a_body_announced_too_large():
    async def receive():
        raise AssertionError("read")

    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        await receive()

    headers = [(b"content-length", b"1001")]
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": headers, "client": ("1.2.3.4", 1)}
    await chain(app)(scope, receive, send)
    assert sent[0]["status"] == 413


async def test_streamed_bytes_are_counted():
    taken = []

    async def parts():
        for number in range(100):
            taken.append(number)
            yield b"x" * 100

    answer = await call(chain(), "POST", "/api/v1/read", content=parts())
    assert answer.status_code == 413
    assert len(taken) < 15, "what is beyond the limit is not read"
    answer = await call(chain(), "POST", "/api/v1/read", content=b"x" * 1000)
    assert answer.text == "1000"


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 30, "1e3", "²"])
async def test_a_false_content_length_does_not_help(length):
    app = chain()
    answer = await call(app, "POST", "/api/v1/read", content=b"x" * 1001, headers={"Content-Length": length.encode()})
    assert answer.status_code == 413


async def test_a_route_may_take_more():
    answer = await call(chain(), "POST", "/upload", content=b"x" * 5000)
    assert answer.text == "5000"
    assert (await call(chain(), "POST", "/upload", content=b"x" * 5001)).status_code == 413


# Hosts


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("holdfast.example", 200),
        ("HOLDFAST.example:8443", 200),
        ("a.wild.example", 200),
        ("wild.example", 400),
        ("evil.example", 400),
        ("evilwild.example", 400),
        ("[::1]:8000", 200),
        ("", 400),
    ],
)
async def test_only_listed_hosts_are_served(host, status):
    app = chain(allowed_hosts=("holdfast.example", "*.wild.example", "[::1]"))
    assert (await call(app, headers={"Host": host})).status_code == status


async def test_probes_go_by_address():
    assert (await call(chain(allowed_hosts=("a.example",)), path="/health/live")).status_code == 404


# Log and metrics


async def test_one_line_a_request_with_its_facts(log_lines):
    await call(chain(), path="/api/v1/things/hf_live_abcdef123456?token=abc", headers={"X-Request-ID": "request-9"})
    (line,) = [json.loads(line) for line in log_lines]
    assert line["route"] == "/api/v1/things/{thing_id}"
    assert (line["method"], line["status"], line["ip"]) == ("GET", 200, "203.0.113.9")
    assert (line["request_id"], line["tenant_id"]) == ("request-9", "tenant-1")
    assert line["ms"] >= 0
    assert line["bytes"] > 0
    assert b"abc" not in log_lines[0]


async def test_probes_are_quiet_unless_they_fail(log_lines):
    async def app(scope, receive, send):
        await Response(status_code=int(scope["query_string"]))(scope, receive, send)

    await call(chain(app), path="/health/live?200")
    assert log_lines == []
    await call(chain(app), path="/health/live?503")
    assert len(log_lines) == 1


async def test_an_unexpected_error_is_logged_once(log_lines):
    await call(chain(), path="/boom")
    assert [json.loads(line)["event"] for line in log_lines] == ["request_failed", "request"]


async def test_a_path_cannot_forge_a_line():
    lines = []
    configure_logging(
        SimpleNamespace(environment="development", log_level="INFO", log_file=None, enable_metrics=True, sentry_dsn=""),
        write=lines.append,
    )
    await call(chain(), path="/x%0A2026%20forged%1b[31m")
    (line,) = [line for line in lines if b"forged" in line]
    assert line.count(b"\n") == 1
    assert b"\x1b[31m" not in line
    configure_logging(settings(environment="test", log_level="INFO", log_file=None, enable_metrics=True, sentry_dsn=""))


async def test_metrics_count_by_template_and_class():
    telemetry = Telemetry()
    app = chain(telemetry=telemetry)
    for number in range(3):
        await call(app, path=f"/api/v1/things/{number}")
    await call(app, path="/no/such/path")
    await call(app, path="/boom")
    await call(app, "BREW", "/boom")
    text = telemetry.render()[0].decode()
    assert 'holdfast_http_requests_total{method="GET",route="/api/v1/things/{thing_id}",status="2xx"} 3.0' in text
    assert 'holdfast_http_requests_total{method="GET",route="unmatched",status="4xx"} 1.0' in text
    assert 'holdfast_http_requests_total{method="GET",route="/boom",status="5xx"} 1.0' in text
    assert 'method="OTHER"' in text
    assert "BREW" not in text
    assert "such" not in text
    assert "holdfast_http_requests_in_flight 0.0" in text
    assert re.search(r'duration_seconds_count\{method="GET",route="/boom",status="5xx"\} 1.0', text)


async def test_a_request_in_hand_is_counted():
    telemetry, inside, leave = Telemetry(), asyncio.Event(), asyncio.Event()

    async def waiting(scope, receive, send):
        inside.set()
        await leave.wait()
        await JSONResponse({})(scope, receive, send)

    task = asyncio.create_task(call(chain(waiting, telemetry=telemetry)))
    await inside.wait()
    assert "in_flight 1.0" in telemetry.render()[0].decode()
    leave.set()
    await task
    assert "in_flight 0.0" in telemetry.render()[0].decode()


# Other kinds of connection


async def test_lifespan_and_websocket_pass():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["type"], scope.get("state", {}).get("client_ip")))
        if scope["type"] == "websocket":
            raise RuntimeError("internal words")

    sent = []

    async def send(message):
        sent.append(message)

    wrapped = chain(app, allowed_origins=(GOOD,), allowed_hosts=("h",))
    await wrapped({"type": "lifespan"}, None, send)
    scope = {"type": "websocket", "path": "/ws", "headers": [(b"host", b"h")], "client": ("1.2.3.4", 1)}
    await wrapped(dict(scope), None, send)
    assert seen == [("lifespan", None), ("websocket", "1.2.3.4")]
    assert sent == [{"type": "websocket.close", "code": 1011}]
    await wrapped(scope | {"headers": [(b"host", b"evil")], "state": {}}, None, send)
    assert sent[1:] == [{"type": "websocket.close", "code": 1008}]
