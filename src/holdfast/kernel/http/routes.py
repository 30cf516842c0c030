"""How endpoint files declare operations, and what their functions are given and may return."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from holdfast.kernel.errors import (
    ConfigurationError,
    Invalid,
)
from holdfast.kernel.permissions import Verb, verb_of
from holdfast.kernel.versions import WEAK
from holdfast.kernel.work import Gate, Work

Handler = Callable[..., Any]
Prepare = Callable[[Request, Gate], Awaitable[object]]


class Staged(Protocol):
    """What a `prepare` made of a body that it read as it came: bytes that stand somewhere, or are given up."""

    @property
    def digest(self) -> bytes:
        """Return what tells this body from another one."""
        ...

    async def settle(self, *, answered: bool) -> None:
        """Give up what did not come to be used; `answered` tells whether the unit of work went well."""
        ...


JSON = "application/json"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Declared:
    """One operation of an endpoint file: the method, the function, and the verb it calls."""

    method: str
    function: Handler
    verb: Verb | None
    public: str | None
    status: int = 200
    answers: Any = None
    prepare: Prepare | None = None
    max_body: int | None = None
    streams: bool = False
    options: dict[str, Any] = field(default_factory=dict)


class Routes:
    """Collects the operations of one endpoint or page file; the path comes from where the file stands.

    `verb` names what is called and so the permission; an operation without one says in `public` why it needs none.
    A GET on a verb that writes shows the form for it: the same permission, a reading unit of work.
    `status` is that of success, `answers` the schema of the answer where the function returns a finished response.
    `prepare` works on the body after the caller was admitted and before the unit of work opens, so that no transaction
    waits for it; its gate knows the caller, and what it returns comes through `prepared`. `max_body` (bytes) lets such
    an operation take a larger one. Where it `streams`, the body is not read before: `prepare` reads it as it comes,
    sets `MAX_BODY_KEY` itself, and returns a `Staged`.
    `body` is the OpenAPI form of a body that no parameter declares, `media` the type or the types of an answer that is
    not JSON, `also` what other good statuses without content mean.
    """

    def __init__(self) -> None:
        self.declared: list[Declared] = []

    def get(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare a reading operation."""
        return self._declare("GET", **how)

    def post(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that creates or does something."""
        return self._declare("POST", **how)

    def put(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that replaces all writable fields."""
        return self._declare("PUT", **how)

    def patch(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that changes some fields."""
        return self._declare("PATCH", **how)

    def delete(self, **how: Any) -> Callable[[Handler], Handler]:
        """Declare an operation that deletes."""
        return self._declare("DELETE", **how)

    def _declare(
        self,
        method: str,
        *,
        verb: Handler | None = None,
        public: str | None = None,
        status: int = 200,
        answers: Any = None,
        prepare: Prepare | None = None,
        max_body: int | None = None,
        streams: bool = False,
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        found = verb_of(verb) if verb is not None else None
        if verb is not None and found is None:
            raise ConfigurationError(f"{verb!r} is not a verb: it lacks @verb(…).")
        if (prepare is None and (max_body is not None or streams)) or (
            prepare is not None and (found is None or method in SAFE)
        ):
            raise ConfigurationError("prepare and max_body belong to a changing operation with a verb, together.")

        def decorate(function: Handler) -> Handler:
            how = (prepare, max_body, streams, options)
            self.declared.append(Declared(method, function, found, public, status, answers, *how))
            return function

        return decorate


# All of these are coroutines: the framework would run a plain function in a thread of its own.
async def _current_work(request: Request) -> Work:
    work: Work = request.state.work
    return work


async def _current_gate(request: Request) -> Gate:
    gate: Gate = request.state.gate
    return gate


async def prepared(request: Request) -> Any:
    """Return what the operation's `prepare` made of the body; for `Depends`."""
    return request.state.prepared


async def _read_if_match(
    if_match: Annotated[
        str | None, Header(alias="If-Match", description='The version the change is based on, e.g. `"3"`.')
    ] = None,
) -> int | None:
    """Return the version that If-Match names, None where any will do, WEAK where none does (RFC 9110, 13.1.1)."""
    if if_match is None or if_match.strip() == "*":
        return None
    weak, tag = if_match.strip().startswith("W/"), if_match.strip().removeprefix("W/").strip('"')
    if not tag.isdecimal() or len(tag) > 9:
        raise Invalid.field("header.If-Match", "invalid", 'must be one ETag of this resource, such as "3"')
    return WEAK if weak else int(tag)


WorkDep = Annotated[Work, Depends(_current_work)]
GateDep = Annotated[Gate, Depends(_current_gate)]
IfMatch = Annotated[int | None, Depends(_read_if_match)]


class RecordResponse(Response):
    """An answer that shows one record, so that its address can be given after a creation.

    `kept` is what is kept of it to be given again: without the secrets that are shown once.
    """

    record_id: object = None
    kept: bytes | None = None


def reply(out: object, status: int) -> Response:
    """Return what an endpoint returned as a response: a schema as JSON, None as no content."""
    if isinstance(out, Response):
        return out
    if out is None:
        return Response(status_code=204 if status == 200 else status)
    if not isinstance(out, BaseModel):
        raise TypeError(f"an endpoint returned {type(out).__name__}, not a schema")
    response = RecordResponse(out.__pydantic_serializer__.to_json(out), status, media_type=JSON)
    once: frozenset[str] = getattr(out, "once", frozenset())
    if once:
        without = out.model_copy(update=dict.fromkeys(once))
        response.kept = without.__pydantic_serializer__.to_json(without, warnings=False)
    version = getattr(out, "version", None)
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    response.record_id = getattr(out, "id", None)
    return response


def created(out: BaseModel, path: str) -> Response:
    """Return a schema of what was made elsewhere than below the request's path; `path` is where it is found."""
    response = reply(out, 201)
    assert isinstance(response, RecordResponse)
    response.record_id = None
    response.headers["Location"] = path
    return response


def json_bytes(body: bytes) -> Response:
    """Return JSON that is already written, as lists are."""
    return Response(body, media_type=JSON)


def finished(request: Request, response: Response) -> Response:
    """Add ETag and Location where they belong, and answer 304 to who has the present version."""
    if isinstance(response, RecordResponse):
        if response.status_code == 201 and response.record_id is not None:
            path = request.scope["path"].rstrip("/")
            response.headers["Location"] = f"{path}/{response.record_id}"
    elif (
        request.method in SAFE
        and response.status_code == 200
        and response.media_type == JSON
        and not isinstance(response, StreamingResponse)
    ):
        response.headers["ETag"] = f'W/"{hashlib.blake2b(response.body, digest_size=12).hexdigest()}"'
    wanted = request.headers.get("if-none-match")
    if wanted is not None and request.method in SAFE and response.status_code == 200:
        tag = response.headers.get("etag", "")
        if tag and (wanted.strip() == "*" or tag.removeprefix("W/") in _tags(wanted)):
            kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
            return Response(status_code=304, headers=kept)
    return response


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]
