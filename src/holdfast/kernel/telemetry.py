"""What the installation tells its operators: structured logs, Prometheus metrics, error reports."""

import functools
import gc
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from holdfast.kernel.errors import ConfigurationError

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
CONTEXT_KEYS = ("request_id", "trace_id", "user_id", "tenant_id")
LOG_FILE_BYTES = 20 * 1024 * 1024
LOG_FILE_KEEP = 5
REDACTED = "[redacted]"
MAX_DEPTH = 5

_CHATTY = ("asyncio", "aiosqlite", "sqlalchemy", "multipart", "python_multipart", "httpx", "httpcore")
_LEVELS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()} | {
    "exception": logging.ERROR,
    "warn": logging.WARNING,
}

request_facts: ContextVar[Mapping[str, Any] | None] = ContextVar("request_facts", default=None)
"""The facts of the request in hand (`scope["state"]`): a log line takes CONTEXT_KEYS from it."""

_SECRET_KEY = re.compile(r"authori[sz]ation|cookie|passw|secret|token|api[_-]?key|credential|dsn", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\bhf_[A-Za-z0-9_\-]{6,}"
    r"|\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=\-]{6,}"
    r"|\beyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=password=)[^&\s]+|(?<=token=)[^&\s]+|(?<=secret=)[^&\s]+",
    re.IGNORECASE,
)

# What each alternative above cannot be without, in small letters.
_SECRET_MARK = re.compile(r"hf_|bearer|basic|eyj|://|password=|token=|secret=")
_HARMLESS = frozenset({int, float, bool, type(None)})


class TelemetrySettings(Protocol):
    """The settings that this module reads."""

    @property
    def environment(self) -> str: ...  # noqa: D102
    @property
    def log_level(self) -> str: ...  # noqa: D102
    @property
    def log_file(self) -> Path | None: ...  # noqa: D102
    @property
    def enable_metrics(self) -> bool: ...  # noqa: D102
    @property
    def sentry_dsn(self) -> str: ...  # noqa: D102


class Telemetry:
    """The metrics of one application, in a registry of its own; one scrape sees one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "holdfast_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.duration = Histogram(
            "holdfast_http_request_duration_seconds",
            "Time from the first to the last byte of an answer.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("holdfast_http_requests_in_flight", "Requests in hand.", registry=self.registry)
        self.pool = Gauge(
            "holdfast_database_pool_connections", "Connections of the pool.", ("state",), registry=self.registry
        )
        self.limited = Counter(
            "holdfast_rate_limited", "Requests refused by a rate limit.", ("limit",), registry=self.registry
        )
        self.cached = Counter(
            "holdfast_cache_requests", "Values asked of the cache.", ("namespace", "result"), registry=self.registry
        )
        self.jobs = Counter("holdfast_jobs", "Attempts at jobs.", ("job", "outcome"), registry=self.registry)
        self.job_states = Gauge(
            "holdfast_jobs_waiting", "Jobs that wait, run or have failed.", ("state",), registry=self.registry
        )
        self.job_lag = Gauge("holdfast_jobs_lag_seconds", "How late the latest job is.", registry=self.registry)
        self.engine_up = Gauge("holdfast_jobs_engine_up", "Whether this engine works.", registry=self.registry)
        self.job_duration = Histogram(
            "holdfast_job_duration_seconds",
            "Time of an attempt at a job.",
            ("job",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.job_wait = Histogram(
            "holdfast_job_wait_seconds",
            "Time from when a job was due to its start.",
            ("job",),
            buckets=(*BUCKETS, 60.0, 600.0),
            registry=self.registry,
        )
        self.log_errors = Counter("holdfast_log_errors", "Log lines of level error and above.", registry=self.registry)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the template of its path, never the path."""
        key = (method, route, status // 100)
        found = self._children.get(key)
        if found is None:
            labels = (method if method in METHODS else "OTHER", route, f"{status // 100}xx")
            found = self._children[key] = (self.requests.labels(*labels), self.duration.labels(*labels))
            if method not in METHODS:
                del self._children[key]  # a caller invents methods: they may not fill the memory
        found[0].inc()
        found[1].observe(seconds)

    def refused(self, limit: str) -> None:
        """Count a request that a rate limit refused."""
        self.limited.labels(limit).inc()

    def asked_cache(self, namespace: str, found: bool) -> None:
        """Count a value that was asked of the cache."""
        self.cached.labels(namespace, "hit" if found else "miss").inc()

    def queued(self, counts: Mapping[str, int], lag: float) -> None:
        """Note how many jobs are in each state, and how long one that is due has waited at most, in seconds."""
        for state in ("ready", "running", "failed"):
            self.job_states.labels(state).set(counts.get(state, 0))
        self.job_lag.set(lag)

    def waited(self, name: str, seconds: float) -> None:
        """Note how long after it was due an attempt at a job began."""
        self.job_wait.labels(name).observe(seconds)

    def ran(self, name: str, outcome: str, seconds: float) -> None:
        """Count one attempt at a job."""
        self.jobs.labels(name, outcome).inc()
        self.job_duration.labels(name).observe(seconds)

    def watch_pool(self, *, in_use: Callable[[], float], size: Callable[[], float]) -> None:
        """Read the pool's figures from these functions at every scrape."""
        self.pool.labels("in_use").set_function(in_use)
        self.pool.labels("size").set_function(size)

    def render(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


class LogFile:
    """An append-only log file that several processes may share, renamed to `.1` … `.5` when it is full.

    A process that finds the name on another file than its own was preceded in renaming, and follows.
    """

    def __init__(self, path: Path, *, limit: int = LOG_FILE_BYTES, keep: int = LOG_FILE_KEEP) -> None:
        self.path, self.limit, self.keep = path, limit, keep
        self._descriptor = self._open()

    def write(self, line: bytes) -> None:
        """Append one line in one system call, so that lines of several processes do not mix."""
        if os.fstat(self._descriptor).st_size >= self.limit:
            self._rotate()
        os.write(self._descriptor, line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError as error:
            raise ConfigurationError(f"LOG_FILE {self.path} cannot be written: {error.strerror}.") from error

    def _rotate(self) -> None:
        try:
            if self.path.stat().st_ino == os.fstat(self._descriptor).st_ino:
                for number in range(self.keep - 1, 0, -1):
                    older = self.path.with_name(f"{self.path.name}.{number}")
                    if older.exists():
                        older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        except FileNotFoundError:
            pass  # another process has just renamed it
        os.close(self._descriptor)
        self._descriptor = self._open()


def configure_logging(
    settings: TelemetrySettings,
    *,
    on_error: Callable[[], None] | None = None,
    write: Callable[[bytes], object] | None = None,
) -> None:
    """Send structlog's and the standard library's lines through one chain to standard output and LOG_FILE.

    JSON in production and staging, readable elsewhere. `on_error` is called for each line of level error and above.
    Raises ConfigurationError for an unknown LOG_LEVEL or a LOG_FILE that cannot be written.
    """
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise ConfigurationError(f"LOG_LEVEL {settings.log_level!r} is none of DEBUG, INFO, WARNING, ERROR, CRITICAL.")
    out = write or _standard_output
    file = LogFile(settings.log_file) if settings.log_file else None

    def emit(line: bytes) -> None:
        out(line)
        if file is not None:
            file.write(line)

    def sift(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        number = _LEVELS.get(method, logging.INFO)
        if number < level:
            raise structlog.DropEvent
        if number >= logging.ERROR and on_error is not None:
            on_error()
        return event

    readable = settings.environment in ("development", "test")
    _output.emit = emit
    _chain[:] = [
        sift,
        add_context,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
        _readable_line(sys.stdout.isatty() and write is None) if readable else _json_line,
    ]
    structlog.configure(
        processors=_chain,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=lambda *_names: _output,
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(level)


def add_context(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add request, user and tenant ids of the request in hand to a log line."""
    facts = request_facts.get()
    if facts is not None:
        for key in CONTEXT_KEYS:
            value = facts.get(key)
            if value is not None and key not in event:
                event[key] = str(value)
    return event


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what must never reach a log: values under telling keys, and what looks like a credential anywhere."""
    suspicious = _is_suspicious(event)
    for key, value in event.items():
        if suspicious or _is_telling(key):
            event[key] = _redacted(key, value, 0)
    return event


def _is_suspicious(event: Mapping[str, Any]) -> bool:
    """Tell whether a value may hold a credential; one cheap search spares nearly every line eight for each value."""
    texts = []
    for value in event.values():
        if type(value) is str:
            texts.append(value)
        elif type(value) not in _HARMLESS:
            return True
    text = "\n".join(texts)
    return not text.isascii() or _SECRET_MARK.search(text.lower()) is not None


@functools.lru_cache(maxsize=1024)
def _is_telling(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _redacted(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > MAX_DEPTH or _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(inner): _redacted(str(inner), item, depth + 1) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        # A pair such as (b"authorization", b"…") is how ASGI writes a header.
        name = _text(value[0]) if isinstance(value, list | tuple) and len(value) == 2 else ""
        return [_redacted(name if index else "", item, depth + 1) for index, item in enumerate(value)]
    return _SECRET_VALUE.sub(REDACTED, _text(value))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _standard_output(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


class _Output:
    """The end of structlog's chain: it takes the finished line."""

    def __init__(self) -> None:
        self.emit: Callable[[bytes], None] = _standard_output

    def msg(self, line: bytes) -> None:
        self.emit(line)

    debug = info = warning = error = critical = exception = log = msg


# One chain and one end for the life of the process: loggers that have cached them follow a new configuration.
_chain: list[Any] = []
_output = _Output()


class _Handler(logging.Handler):
    """Brings lines of the standard library (uvicorn, SQLAlchemy) into our chain."""

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        try:
            for processor in _chain:
                event = processor(None, record.levelname.lower(), event)
            _output.emit(event)
        except structlog.DropEvent:
            pass
        except Exception:  # noqa: BLE001 - the standard library's rule: a log line never breaks what logs
            self.handleError(record)


def _route_standard_logging(level: int) -> None:
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(handler)
    root.addHandler(_Handler())
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Requests have one line, ours; the libraries' chatter below a warning is not asked for.
    for name in ("uvicorn.access", *_CHATTY):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _json_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or a huge integer: the line is written all the same
        return json.dumps(event, default=str).encode() + b"\n"


def _readable_line(colors: bool) -> Callable[[Any, str, MutableMapping[str, Any]], bytes]:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at")

    def render(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
        return f"{renderer(logger, method, event)}\n".encode("utf-8", "replace")

    return render


def start_error_reports(settings: TelemetrySettings) -> None:
    """Send unexpected errors to Sentry when SENTRY_DSN is set; raise ConfigurationError when its extra is missing."""
    if not settings.sentry_dsn:
        return
    try:
        import sentry_sdk  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415 - an extra, off by default
    except ImportError as error:
        raise ConfigurationError("SENTRY_DSN needs the extra `sentry`: pip install 'holdfast[sentry]'.") from error
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )


def settle_garbage_collector() -> None:
    """Take what the start made out of the collector's sight and let it run less often; called once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)
