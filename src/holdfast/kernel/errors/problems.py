"""Errors as `application/problem+json` (RFC 9457), the conversion of every exception into one, strict JSON reading.

A problem is `{type, title, status, detail, code, request_id, errors}`; `type` is a relative reference into the
error reference, `errors` a list of `{location, code, message}`, empty where no single field is at fault.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import SecretStr, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from holdfast.kernel import errors

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = errors.HoldfastError.most_faults
MAX_TEXT = 200
MAX_DEPTH = 32
MAX_VALUES = 100_000

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_DOUBT = -(2**40)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
# How Pydantic tells of an enumeration's members, and of the length of a text whose check is not the first.
_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")
_LENGTH = re.compile(r"^Value should have (at (?:least|most) \d+) items? after validation, not \d+$")
_CONSTANT = re.compile(rb"[-+]?(NaN|Infinity|Inf|nan|inf)")

log = structlog.get_logger("holdfast.problems")

Respond = Callable[[errors.HoldfastError, Request], Response]

_BY_STATUS: dict[int, type[errors.HoldfastError]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.NotAcceptable,
        errors.Conflict,
        errors.PreconditionFailed,
        errors.ContentTooLarge,
        errors.UnsupportedMediaType,
        errors.Invalid,
        errors.PreconditionRequired,
        errors.RateLimited,
        errors.Unavailable,
    )
}
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "union_tag_invalid": "names no known kind",
    "value_error": None,
    "assertion_error": None,
}


class _Fault(Exception):
    """What is wrong, and on its way up the keys that lead there."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path: list[str | int] = []

    def refusal(self) -> errors.BadRequest:
        """Return the error that names the place."""
        return _refusal(place(["body", *reversed(self.path)]), self.code, self.message)


def problem(error: errors.HoldfastError, request_id: str | None) -> Response:
    """Return the response that tells a caller of `error`, with the headers the error carries."""
    body = orjson.dumps(
        {
            "type": f"/docs/reference/errors#{error.code.lower().replace('_', '-')}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
            "request_id": request_id,
            "errors": [field.as_dict() for field in error.errors[: error.most_faults]],
        }
    )
    return Response(body, error.status, headers=error.headers, media_type=MEDIA_TYPE)


def as_error(exception: Exception) -> errors.HoldfastError | None:
    """Return what the caller is told of `exception`; None when it is a fault of ours that tells a caller nothing.

    FastAPI turns whatever happens while it reads a body into an HTTPException: the cause is what counts.
    """
    if isinstance(exception, HTTPException):
        cause = exception.__cause__
        if not isinstance(cause, errors.HoldfastError | ClientDisconnect):
            return _from_status(exception)
        exception = cause
    if isinstance(exception, errors.HoldfastError):
        return None if isinstance(exception, errors.ConfigurationError) else exception
    if isinstance(exception, RequestValidationError):
        return invalid_input(exception.errors())
    if isinstance(exception, ClientDisconnect):
        return errors.BadRequest("The connection was closed before the body was complete.")
    return None


def invalid_input(
    faults: ValidationError | Iterable[Mapping[str, Any]], *, source: str | None = None
) -> errors.Invalid:
    """Return the 422 for Pydantic's errors: at most 50, short, and never repeating what was sent.

    `source` (`body`, `query`, `path`, `header`) leads each location where Pydantic's own does not name it: for a
    ValidationError of a model that we read ourselves.
    """
    if isinstance(faults, ValidationError):
        faults = faults.errors(include_url=False, include_context=False)
    fields: list[errors.FieldError] = []
    for fault in faults:
        if len(fields) == MAX_ERRORS:
            break
        fields.append(_field(fault, source))
    if not fields:
        return errors.Invalid()
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return errors.Invalid(f"{fields[0].location}: {fields[0].message}{more}", errors=fields)


def reported(exception: Exception, request_id: str | None) -> errors.HoldfastError:
    """Return what the caller is told of `exception`, having logged it where that is only "internal error"."""
    known = as_error(exception)
    if known is not None:
        return known
    log.error("request_failed", request_id=request_id, exc_info=exception)
    return errors.HoldfastError("Something failed on our side. It has been logged under this request id.")


def parse_json(raw: bytes, *, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES) -> object:
    """Return the value of a JSON text, read strictly (RFC 8259 with what it leaves open closed as in RFC 7493).

    Raises BadRequest, naming what and where, for anything that two readers could understand differently or that a
    database could not hold: duplicate keys, NaN and infinities, lone surrogates, NUL characters, invalid UTF-8, a byte
    order mark, nesting beyond `max_depth`, integers beyond 64 bits, more than `max_values` values.
    """
    commas = raw.count(b",")
    if commas >= max_values and commas - sum(text[0].count(b",") for text in _STRING.finditer(raw)) >= max_values:
        raise _refusal("body", "too_many_values", f"holds more than {max_values} values")
    # orjson refuses much of it in C; the rest shows when its result is walked, and only a doubt costs a second reading.
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unreadable(raw, error, max_depth) from None
    nul = b"\\u0000" in raw
    try:
        keys = _walk(value, 1, max_depth, nul) if isinstance(value, dict | list) else _leaf(value, nul)
        # Each key has its colon: with as many colons as keys there is no duplicate, and no colon inside a string.
        if keys != raw.count(b":"):
            _walk_carefully(raw, max_depth)
    except _Fault as fault:
        raise fault.refusal() from None
    return value


def _from_status(exception: HTTPException) -> errors.HoldfastError:
    kind = _BY_STATUS.get(exception.status_code)
    if kind is None:
        kind = errors.BadRequest if exception.status_code < 500 else errors.HoldfastError
    error = kind()
    error.headers.update({name: value for name, value in (exception.headers or {}).items() if name.lower() == "allow"})
    return error


def _field(fault: Mapping[str, Any], source: str | None) -> errors.FieldError:
    kind = str(fault["type"])
    parts = fault["loc"] if source is None else (source, *fault["loc"])
    message = _MESSAGES.get(kind) or str(fault["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    sent = fault.get("input")
    message = _MEMBER.sub(r"\1", message)
    if isinstance(sent, str | SecretStr) and kind in ("too_short", "too_long"):
        kind, message = f"string_{kind}", _LENGTH.sub(r"String should have \1 characters", message)
    if kind == "string_too_short" and "at least 1 " in message:
        message = "must not be empty"
    if isinstance(sent, str) and len(sent) >= 4:
        message = message.replace(sent, "…")
    return errors.FieldError(_printable(place(parts)), kind, _printable(message))


def place(parts: Iterable[str | int]) -> str:
    """Return where a fault is, such as `body.update[3].code`."""
    told = (f"[{part}]" if isinstance(part, int) else f".{part[:100]}" for part in parts)
    return "".join(told).removeprefix(".")


def _printable(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text[: MAX_TEXT + 1])
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _walk(value: Any, depth: int, max_depth: int, nul: bool) -> int:
    """Return the number of keys below and including `value`; raise _Fault."""
    if depth > max_depth:
        raise _Fault("too_deep", f"is nested deeper than {max_depth} levels")
    if isinstance(value, dict):
        keys = len(value)
        items: Any = value.items()
        if nul and any("\0" in key for key in value):
            raise _Fault("nul_character", "has a key with a NUL character")
    else:
        keys = 0
        items = enumerate(value)
    for key, item in items:
        kind = type(item)
        if kind is str:
            if not nul or "\0" not in item:
                continue
        elif kind is bool or item is None:
            continue
        try:
            if kind is dict or kind is list:
                keys += _walk(item, depth + 1, max_depth, nul)
            else:
                keys += _leaf(item, nul)
        except _Fault as fault:
            fault.path.append(key)
            raise
    return keys


def _leaf(item: object, nul: bool) -> int:
    """Return 0 for a good value, _DOUBT for a float that may have been a longer integer; raise _Fault."""
    if isinstance(item, int):
        if not _SMALLEST <= item <= _LARGEST:
            raise _Fault("integer_too_large", "is an integer beyond 64 bits")
    elif isinstance(item, float):
        if not _SMALLEST < item < _LARGEST:
            return _DOUBT
    elif nul and isinstance(item, str) and "\0" in item:
        raise _Fault("nul_character", "contains a NUL character")
    return 0


def _walk_carefully(raw: bytes, max_depth: int) -> None:
    """Read once more with a reader that shows duplicates and long integers; raise _Fault."""
    found: list[_Fault] = []

    def pairs(items: list[tuple[str, object]]) -> object:
        result = dict(items)
        if len(result) == len(items):
            return result
        seen: set[str] = set()
        twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        found.append(_Fault("duplicate_key", f"has the key {twice[:100]!r} more than once"))
        return found[-1]

    def integer(text: str) -> object:
        if len(text) <= 20 and _SMALLEST <= int(text) <= _LARGEST:
            return 0
        found.append(_Fault("integer_too_large", "is an integer beyond 64 bits"))
        return found[-1]

    try:
        value = json.loads(raw.decode(), object_pairs_hook=pairs, parse_int=integer)
    except RecursionError:
        raise _Fault("too_deep", f"is nested deeper than {max_depth} levels") from None
    if found:
        _raise_where(value)
        raise found[0]  # it stood inside a value that a duplicate replaced


def _raise_where(value: object) -> None:
    """Raise the first _Fault that stands in the tree, with its path."""
    if isinstance(value, _Fault):
        raise value
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        try:
            _raise_where(item)
        except _Fault as fault:
            fault.path.append(key)
            raise


def _unreadable(raw: bytes, error: orjson.JSONDecodeError, max_depth: int) -> errors.BadRequest:
    """Return what is wrong with a text that is no JSON, with line and column."""
    try:
        raw.decode()
    except UnicodeDecodeError as broken:
        return _refusal("body", "invalid_utf8", f"is not valid UTF-8 at byte {broken.start}")
    if not raw.strip():
        return _refusal("body", "empty", "is empty where JSON is expected")
    where = f"line {error.lineno}, column {error.colno}"
    start = len(error.doc[: error.pos].encode()) if isinstance(error.doc, str) else error.pos
    if _CONSTANT.match(raw, start) or _CONSTANT.match(raw, max(start - 1, 0)):
        return _refusal("body", "not_a_number", f"has NaN or Infinity at {where}, which JSON does not know")
    for word, code, message in (
        ("BOM", "byte_order_mark", "starts with a byte order mark"),
        ("depth limit", "too_deep", f"is nested deeper than {max_depth} levels"),
        ("surrogate", "lone_surrogate", f"has a lone surrogate at {where}"),
        ("infinity", "number_too_large", f"has a number too large at {where}"),
        ("control character", "control_character", f"has an unescaped control character at {where}"),
    ):
        if word in error.msg:
            return _refusal("body", code, message)
    return _refusal("body", "not_json", f"is not JSON: {error.msg[:100]} at {where}")


def _refusal(location: str, code: str, message: str) -> errors.BadRequest:
    location = "".join(character if character.isprintable() else "?" for character in location[:200])
    return errors.BadRequest(f"{location} {message}.", errors=(errors.FieldError(location, code, message),))
