"""Logs that tell no secrets, metrics, error reports."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest
import structlog

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.telemetry import (
    REDACTED,
    LogFile,
    Telemetry,
    configure_logging,
    redact,
    request_facts,
    settle_garbage_collector,
    start_error_reports,
)

pytestmark = pytest.mark.unit
KEY = "hf_live_0123abcd_ABCDEFGHIJKLMNOPQRSTUVWX"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def settings(**given):
    values = {
        "environment": "production",
        "log_level": "INFO",
        "log_file": None,
        "enable_metrics": True,
        "sentry_dsn": "",
    }
    return SimpleNamespace(**{**values, **given})


def fail(text):
    raise ValueError(text)


@pytest.fixture
def logged():
    """Give the lines written since, as bytes, and a function that configures anew."""
    lines = []

    def configure(on_error=None, **given):
        configure_logging(settings(**given), write=lines.append, on_error=on_error)
        return lines

    configure()
    yield configure
    configure_logging(settings(environment="test"))


def test_a_production_line_is_json_with_level_and_time(logged):
    lines = logged()
    structlog.get_logger("x").info("started", port=8000)
    found = json.loads(lines[-1])
    assert found.pop("at").endswith("Z")
    assert found == {"event": "started", "port": 8000, "level": "info"}
    assert lines[-1].endswith(b"}\n")


def test_a_development_line_is_readable(logged):
    lines = logged(environment="development")
    structlog.get_logger("x").info("started", port=8000)
    assert b"started" in lines[-1]
    assert b"port=8000" in lines[-1]
    assert not lines[-1].startswith(b"{")


def test_a_logger_used_before_follows_a_new_configuration(logged):
    logger = structlog.get_logger("x")
    lines = logged()
    logger.info("one")
    logged(environment="development", log_level="ERROR")
    logger.info("two")
    logger.error("three")
    assert len(lines) == 2
    assert b"three" in lines[-1]
    assert not lines[-1].startswith(b"{")


def test_the_standard_library_goes_the_same_way(logged):
    lines = logged()
    logging.getLogger("uvicorn.error").info("Bearer abcdef123456 came by")
    logging.getLogger("uvicorn.access").info("not asked for")
    logging.getLogger("sqlalchemy.engine").info("not asked for")
    try:
        fail(f"key {KEY}")
    except ValueError:
        logging.getLogger("other").exception("it failed: %s", 3)
    assert len(lines) == 2
    assert json.loads(lines[0])["event"] == f"{REDACTED} came by"
    failed = json.loads(lines[1])
    assert (failed["event"], failed["logger"], failed["level"]) == ("it failed: 3", "other", "error")
    assert "Traceback" in failed["exception"]
    assert KEY not in lines[1].decode()


def test_the_level_is_obeyed_and_a_wrong_one_named(logged):
    lines = logged(log_level="warning")
    structlog.get_logger("x").info("quiet")
    logging.getLogger("x").info("quiet")
    structlog.get_logger("x").warning("loud")
    assert len(lines) == 1
    with pytest.raises(ConfigurationError, match="LOG_LEVEL"):
        logged(log_level="LOUD")


@pytest.mark.parametrize(
    "key",
    ["authorization", "Authorization", "Proxy-Authorization", "cookie", "set-cookie", "password", "new_password", "passwd",
     "token", "refresh_token", "csrf_token", "secret", "client_secret", "SECRET_KEY", "api_key", "apikey", "X-API-Key",
     "sentry_dsn"],
)  # fmt: skip
def test_values_under_telling_keys_never_reach_a_line(logged, key):
    lines = logged()
    structlog.get_logger("x").info("e", **{key: "leak-me"})
    structlog.get_logger("x").info("e", deep={"list": [{key: "leak-me"}], key: ["leak-me", {"a": "leak-me"}]})
    structlog.get_logger("x").info("e", headers=[(key.encode(), b"leak-me"), [key, "leak-me"]])
    assert b"leak-me" not in b"".join(lines)
    assert b"".join(lines).count(REDACTED.encode()) >= 5


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"used {KEY} twice",
        f"Bearer {JWT}",
        f"bearer {KEY}",
        "Basic dXNlcjpwYXNz",
        JWT,
        "postgresql://holdfast:leak-me@db/x",
        "redis://:leak-me@cache/0",
        "/x?token=leak-me&y=1",
        "password=leak-me",
    ],
)
def test_what_looks_like_a_credential_never_reaches_a_line(logged, text):
    lines = logged()
    logger = structlog.get_logger("x")
    logger.info(text, a=text, b=[text], c={"d": text.encode()}, e=ValueError(text))
    try:
        fail(text)
    except ValueError:
        logger.exception("failed")
    for secret in ("leak-me", KEY, JWT, "dXNlcjpwYXNz"):
        assert secret not in b"".join(lines).decode()


def test_harmless_values_stay(logged):
    event = {
        "event": "x",
        "path": "/api/v1/companies",
        "n": 3,
        "ok": True,
        "token_count": 4,
        "none": None,
        "pair": ["a", "b"],
    }
    assert redact(None, "info", dict(event)) == event


def test_no_value_can_stop_a_line(logged):
    lines = logged()
    structlog.get_logger("x").info("e", text="a\ud800b", number=2**70, thing=object(), raw=b"\xff")
    assert json.loads(lines[0])["number"] == 2**70


def test_what_refers_to_itself_ends():
    loop: dict[str, object] = {}
    loop["again"] = loop
    assert REDACTED in str(redact(None, "info", {"event": loop}))


async def test_a_line_tells_request_user_and_tenant(logged):
    lines = logged()

    async def request(number):
        facts = {"request_id": f"request-{number}", "client_ip": "1.2.3.4"}
        token = request_facts.set(facts)
        await asyncio.sleep(0)
        facts.update(user_id=f"user-{number}", tenant_id=f"tenant-{number}")
        structlog.get_logger("x").info("did", number=number)
        request_facts.reset(token)

    await asyncio.gather(*(request(number) for number in range(3)))
    structlog.get_logger("x").info("outside")
    for number in range(3):
        found = json.loads(lines[number])
        assert [found[key] for key in ("number", "request_id", "user_id", "tenant_id")] == [
            number, f"request-{number}", f"user-{number}", f"tenant-{number}",
        ]  # fmt: skip
        assert "client_ip" not in found
    assert "request_id" not in json.loads(lines[-1])


def test_errors_are_counted(logged):
    telemetry = Telemetry()
    logged(on_error=telemetry.log_errors.inc)
    structlog.get_logger("x").info("fine")
    structlog.get_logger("x").error("bad")
    logging.getLogger("x").critical("worse")
    assert "holdfast_log_errors_total 2.0" in telemetry.render()[0].decode()


def test_the_log_file_gets_the_same_lines(logged, tmp_path):
    path = tmp_path / "logs" / "holdfast.log"
    lines = logged(log_file=path)
    structlog.get_logger("x").info("one")
    assert path.read_bytes() == lines[-1]
    assert path.stat().st_mode & 0o777 == 0o640 & ~_umask()
    with pytest.raises(ConfigurationError, match="LOG_FILE"):
        logged(log_file=tmp_path)


def _umask():
    import os

    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_the_log_file_turns_over_and_keeps_so_many(tmp_path):
    file = LogFile(tmp_path / "x.log", limit=100, keep=3)
    for number in range(60):
        file.write(b"line %03d ----------\n" % number)
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    kept = b"".join((tmp_path / name).read_bytes() for name in ("x.log.3", "x.log.2", "x.log.1", "x.log"))
    numbers = [int(line[5:8]) for line in kept.splitlines()]
    assert numbers == list(range(numbers[0], 60)), "nothing between is lost"


def test_processes_that_share_a_log_file_lose_no_line(tmp_path):
    one, two = (LogFile(tmp_path / "x.log", limit=200, keep=90) for _ in range(2))
    for number in range(200):
        (one, two)[number % 3 == 0].write(b"%03d ----------------\n" % number)
    one.close()
    two.close()
    found = sorted(line[:3] for path in tmp_path.iterdir() for line in path.read_bytes().splitlines())
    assert found == [b"%03d" % number for number in range(200)]
    assert min(path.stat().st_size for path in tmp_path.iterdir() if path.suffix != ".log") >= 200, "one turns it over"


def test_each_application_has_its_own_metrics():
    one, two = Telemetry(), Telemetry()
    one.observe("GET", "/x", 200, 0.003)
    one.limited.labels("api").inc()
    one.watch_pool(in_use=lambda: 3, size=lambda: 16)
    text = one.render()[0].decode()
    assert 'holdfast_http_requests_total{method="GET",route="/x",status="2xx"} 1.0' in text
    assert 'holdfast_http_request_duration_seconds_bucket{le="0.005",method="GET",route="/x",status="2xx"} 1.0' in text
    assert 'holdfast_rate_limited_total{limit="api"} 1.0' in text
    assert 'holdfast_database_pool_connections{state="in_use"} 3.0' in text
    assert "/x" not in two.render()[0].decode()
    assert one.render()[1].startswith("text/plain")


def test_invented_methods_do_not_fill_the_memory():
    telemetry = Telemetry()
    for number in range(1000):
        telemetry.observe(f"M{number}", "/x", 405, 0.001)
    assert len(telemetry._children) == 0
    assert 'method="OTHER",route="/x",status="4xx"} 1000.0' in telemetry.render()[0].decode()


def test_sentry_is_asked_for_only_with_its_setting(monkeypatch):
    start_error_reports(settings())
    assert "sentry_sdk" not in sys.modules
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ConfigurationError, match=r"holdfast\[sentry\]"):
        start_error_reports(settings(sentry_dsn="https://key@sentry.example/1"))


def test_sentry_gets_no_personal_data(monkeypatch):
    given = {}
    monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace(init=lambda **how: given.update(how)))
    start_error_reports(settings(sentry_dsn="https://key@sentry.example/1"))
    assert given["dsn"] == "https://key@sentry.example/1"
    assert (given["send_default_pii"], given["include_local_variables"]) == (False, False)
    assert given["max_request_body_size"] == "never"


def test_the_collector_is_settled_once_after_the_start():
    program = (
        "import gc; from holdfast.kernel.telemetry import settle_garbage_collector as settle; settle();"
        "assert gc.get_freeze_count() > 1000 and gc.get_threshold() == (10_000, 50, 100)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert gc.isenabled()
    assert settle_garbage_collector.__doc__
