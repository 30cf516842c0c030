"""How endpoint files declare operations, and how each request becomes one unit of work, committed before the answer."""

import functools
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.kernel.db import Base
from holdfast.kernel.engines import ConstraintConflict, database_error
from holdfast.kernel.errors import (
    ConfigurationError,
    Conflict,
    FieldError,
    HoldfastError,
    Invalid,
    Unauthenticated,
    UniqueViolation,
    UnsupportedMediaType,
)
from holdfast.kernel.errors.problems import as_error, parse_json
from holdfast.kernel.facts import Record
from holdfast.kernel.http import idempotency
from holdfast.kernel.http.binding import Binder, binder
from holdfast.kernel.middleware import MAX_BODY_KEY
from holdfast.kernel.permissions import Verb, authorise, verb_of
from holdfast.kernel.schemas import Problem
from holdfast.kernel.work import Gate, RequestInfo, Work, Works

Handler = Callable[..., Any]
Prepare = Callable[[Request], Awaitable[object]]
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
    options: dict[str, Any] = field(default_factory=dict)


class Routes:
    """Collects the operations of one endpoint or page file; the path comes from where the file stands.

    `verb` names what is called and so the permission; an operation without one says in `public` why it needs none.
    A GET on a verb that writes shows the form for it: the same permission, a reading unit of work.
    `status` is that of success, `answers` the schema of the answer where the function returns a finished response.
    `prepare` works on the body after the caller was admitted and before the unit of work opens, so that no transaction
    waits for it; what it returns comes through `prepared`. `max_body` (bytes) lets such an operation take a larger one.
    `body` is the OpenAPI form of a body that no parameter declares.
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
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        found = verb_of(verb) if verb is not None else None
        if verb is not None and found is None:
            raise ConfigurationError(f"{verb!r} is not a verb: it lacks @verb(…).")
        if (prepare is None and max_body is not None) or (prepare is not None and (found is None or method in SAFE)):
            raise ConfigurationError("prepare and max_body belong to a changing operation with a verb, together.")

        def decorate(function: Handler) -> Handler:
            self.declared.append(Declared(method, function, found, public, status, answers, prepare, max_body, options))
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
    """Return the version that If-Match names, None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not tag.isdecimal() or len(tag) > 9:
        raise Invalid.field("header.If-Match", "invalid", 'must be one ETag of this resource, such as "3"')
    return int(tag)


WorkDep = Annotated[Work, Depends(_current_work)]
GateDep = Annotated[Gate, Depends(_current_gate)]
IfMatch = Annotated[int | None, Depends(_read_if_match)]


class RecordResponse(Response):
    """An answer that shows one record, so that its address can be given after a creation."""

    record_id: object = None


def reply(out: object, status: int) -> Response:
    """Return what an endpoint returned as a response: a schema as JSON, None as no content."""
    if isinstance(out, Response):
        return out
    if out is None:
        return Response(status_code=204 if status == 200 else status)
    if not isinstance(out, BaseModel):
        raise TypeError(f"an endpoint returned {type(out).__name__}, not a schema")
    response = RecordResponse(out.__pydantic_serializer__.to_json(out), status, media_type=JSON)
    version = getattr(out, "version", None)
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    response.record_id = getattr(out, "id", None)
    return response


def json_bytes(body: bytes) -> Response:
    """Return JSON that is already written, as lists are."""
    return Response(body, media_type=JSON)


class Limits(Protocol):
    """What the boundary asks of the rate limits."""

    async def admit(self, request: Request, work: Work | None) -> dict[str, str]:
        """Count the request and return the headers that tell of it; raise RateLimited."""
        ...


class Boundary(Protocol):
    """What the route class needs of the house; `main` fills it."""

    @property
    def works(self) -> Works:
        """Return what opens units of work."""
        ...

    @property
    def limits(self) -> Limits:
        """Return the rate limits."""
        ...

    @property
    def cookie_name(self) -> str:
        """Return the name of the session's cookie."""
        ...

    async def check_origin(self, request: Request, work: Work) -> None:
        """Raise Forbidden where a changing request by cookie did not come from our own pages."""
        ...


class WorkRoute(APIRoute):
    """A route that opens a unit of work for its caller, runs the endpoint, and commits before the answer leaves."""

    def __init__(self, path: str, declared: Declared, house: Boundary, **options: Any) -> None:
        self.declared = declared
        self.house = house
        super().__init__(path, _replying(declared), methods=[declared.method], **options)
        bind = binder(self.dependant, embedded=self._embed_body_fields)
        if bind is not None:
            self.app = _answering(self._handler(_bound(bind, self.dependant.call, super().get_route_handler())))

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer a request of this route's method, the only one that the router hands over."""
        if scope["method"] == self.declared.method:
            return self.app(scope, receive, send)  # type: ignore[return-value]
        return super().handle(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the function that answers a request on this route."""
        return self._handler(super().get_route_handler())

    def _handler(self, inner: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return `inner` inside its unit of work."""
        declared, house = self.declared, self.house
        verb = declared.verb
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def handle(request: Request) -> Response:
            headers = None
            if declared.prepare is not None and verb is not None:
                headers = await _knock(request, house, verb)
                if declared.max_body is not None:
                    request.scope[MAX_BODY_KEY] = declared.max_body
            if declared.method not in SAFE:
                await _read_body(request, takes_json=takes_json)
            try:
                if declared.prepare is not None:
                    request.state.prepared = await declared.prepare(request)
                if verb is None or verb.access == "public":
                    response = await _at_the_gate(request, house, inner)
                else:
                    response = await _in_a_work(request, house, inner, verb, headers)
            except Exception as error:
                known = explain(error)
                if known is None or known is error:
                    raise
                raise known from error
            return _finished(request, response)

        return handle


def _answering(handle: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Return the application of a route without the framework's stacks and its second handling of errors."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _bound(
    bind: Binder, endpoint: Handler | None, framework: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """Return what runs an endpoint with its arguments bound, or through the framework where that finds a fault."""
    assert endpoint is not None

    async def run(request: Request) -> Response:
        values = await bind(request)
        if values is not None:
            response: Response = await endpoint(**values)
            return response
        async with AsyncExitStack() as stack:
            for name in ("fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack"):
                request.scope[name] = stack
            return await framework(request)

    return run


def _replying(declared: Declared) -> Handler:
    """Wrap an endpoint so that a schema it returns becomes a response without being validated a second time."""
    function, status = declared.function, declared.status

    @functools.wraps(function)
    async def replying(**arguments: Any) -> Response:
        return reply(await function(**arguments), status)

    return replying


async def _read_body(request: Request, *, takes_json: bool) -> None:
    """Read the whole body before any transaction begins, and JSON strictly."""
    raw = await request.body()
    if takes_json and raw:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
            raise UnsupportedMediaType(f"The body must be {JSON}.")
        request._json = parse_json(raw)  # noqa: SLF001  the one place where Starlette keeps a parsed body


async def _at_the_gate(request: Request, house: Boundary, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    request.state.gate = Gate(house.works, request_info(request))
    headers = await house.limits.admit(request, None)
    response = await inner(request)
    response.headers.update(headers)
    return response


async def _knock(request: Request, house: Boundary, verb: Verb) -> dict[str, str]:
    """Refuse who may not, before a large body is read and worked on; return the headers of the rate limit."""
    info = request_info(request)
    work = await _enter(request, house, info, write=False)
    try:
        try:
            headers = await house.limits.admit(request, work)
            authorise(work.actor, verb.permission)
        finally:
            await work.close()
    except HoldfastError as error:
        if error.refusal:
            await house.works.refuse(work.tenant_id, work.actor, info, _refusal(verb, error))
        raise
    return headers


async def _in_a_work(
    request: Request,
    house: Boundary,
    inner: Callable[[Request], Awaitable[Response]],
    verb: Verb,
    headers: dict[str, str] | None = None,
) -> Response:
    """Run the endpoint in a unit of work; `headers` are those of the rate limit where it was counted before."""
    info = request_info(request)
    work = await _enter(request, house, info, write=verb.writes and request.method not in SAFE)
    try:
        try:
            if headers is None:
                headers = await house.limits.admit(request, work)
            if request.method not in SAFE:
                await house.check_origin(request, work)
            request.state.work = work
            response = await _once(request, work, inner)
            # A page that shows what is wrong with a form has changed nothing, and must not have.
            if response.status_code < 400:
                await work.commit()
        finally:
            await work.close()
    except HoldfastError as error:
        if error.refusal:
            await house.works.refuse(work.tenant_id, work.actor, info, _refusal(verb, error))
        raise
    response.headers.update(headers)
    return response


async def _once(request: Request, work: Work, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    """Run the endpoint, or give the earlier answer to a creation that is sent again."""
    if request.method != "POST" or idempotency.HEADER not in request.headers:
        return await inner(request)
    earlier = await idempotency.replayed(work, request)
    if earlier is not None:
        return earlier
    response = _finished(request, await inner(request))
    await idempotency.remember(work, request, response)
    return response


async def _enter(request: Request, house: Boundary, info: RequestInfo, *, write: bool) -> Work:
    """Return the unit of work of the caller's credential; an anonymous or refused one counts against its address."""
    authenticator = house.works.authenticator
    try:
        credential = authenticator.read(request.headers.get("authorization"), request.cookies.get(house.cookie_name))
        work = None if credential is None else await house.works.enter(credential, write=write, request=info)
        if work is None:
            raise Unauthenticated(None if credential is None else "The session has ended.")  # noqa: TRY301
    except Unauthenticated:
        await house.limits.admit(request, None)
        raise
    state = request.scope["state"]
    state["user_id"], state["tenant_id"] = work.actor.id, work.tenant_id
    request.state.credential_kind = None if credential is None else credential.kind
    return work


def request_info(request: Request) -> RequestInfo:
    """Return the facts of a request that an entry tells of."""
    state = request.scope["state"]
    return RequestInfo(
        request_id=state.get("request_id", ""),
        ip=state.get("client_ip") or None,
        user_agent=request.headers.get("user-agent"),
        method=request.method,
        path=request.scope["path"],
    )


def explain(error: Exception) -> HoldfastError | None:
    """Return what an error means to the caller, with the field that a taken value belongs to; None for a defect."""
    if isinstance(error, StaleDataError):
        return Conflict("The record was changed by someone else at the same moment. Read it again.")
    known = database_error(error) if isinstance(error, DBAPIError | HoldfastError) else as_error(error)
    if isinstance(known, ConstraintConflict):
        name = _field_of(known.constraint)
        if name is not None:
            message = f"{name} is taken"
            return UniqueViolation(f"body.{name}: is taken", errors=(FieldError(f"body.{name}", "taken", message),))
    return known


@functools.lru_cache(maxsize=256)
def _field_of(constraint: str | None) -> str | None:
    """Return the field that a unique constraint guards: the databases name the constraint, SQLite its columns."""
    for table in Base.metadata.tables.values():
        for each in table.constraints:
            columns = ", ".join(f"{table.name}.{column.name}" for column in getattr(each, "columns", ()))
            if constraint in (each.name, columns) and "field" in each.info:
                return str(each.info["field"])
    return None


def _refusal(verb: Verb, error: HoldfastError) -> Record:
    return Record(
        action=verb.name,
        category="access",
        severity="warning",
        outcome="refused",
        reason=error.code,
        detail={"verb": verb.name},
    )


def _finished(request: Request, response: Response) -> Response:
    """Add ETag and Location where they belong, and answer 304 to who has the present version."""
    if isinstance(response, RecordResponse):
        if response.status_code == 201 and response.record_id is not None:
            path = request.scope["path"].rstrip("/")
            response.headers["Location"] = f"{path}/{response.record_id}"
    elif request.method in SAFE and response.status_code == 200 and response.media_type == JSON:
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


def make_route(path: str, declared: Declared, house: Boundary, *, name: str, tag: str, page: bool = False) -> WorkRoute:
    """Return the route of a declared operation, with what its page of the reference shows."""
    shown = declared.answers or declared.function.__annotations__.get("return")
    model = shown if isinstance(shown, type) and issubclass(shown, BaseModel) else None
    doc = (declared.function.__doc__ or "").strip()
    extra: dict[str, Any] = {"x-permission": declared.verb.permission or declared.verb.access} if declared.verb else {}
    if "body" in declared.options:
        extra["requestBody"] = declared.options["body"]
    return WorkRoute(
        path,
        declared,
        house,
        name=name,
        operation_id=name,
        status_code=204 if model is None and declared.status == 200 and shown is None and not page else declared.status,
        response_model=model,
        tags=[tag],
        summary=doc.partition("\n")[0].rstrip("."),
        description=doc.partition("\n\n")[2] or None,
        include_in_schema=not page,
        responses={"4XX": {"model": Problem, "description": "Problem (RFC 9457)"}},
        openapi_extra=extra or None,
    )
