"""How each request becomes one unit of work, committed before the answer leaves."""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from types import UnionType
from typing import Any, Protocol

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.kernel.engines.meaning import meaning
from holdfast.kernel.errors import HoldfastError, ReadOnly, Unauthenticated
from holdfast.kernel.errors.problems import MEDIA_TYPE, as_error
from holdfast.kernel.facts import Record, named_entity
from holdfast.kernel.http import idempotency
from holdfast.kernel.http.binding import Binder, binder
from holdfast.kernel.http.reading import check_query, check_switch, has_query, read_body, taken
from holdfast.kernel.http.routes import SAFE, Declared, Handler, finished, reply
from holdfast.kernel.middleware import MAX_BODY_KEY
from holdfast.kernel.permissions import Verb
from holdfast.kernel.schemas import Problem
from holdfast.kernel.work import Gate, RequestInfo, Work, Works


class Limits(Protocol):
    """What the boundary asks of the rate limits."""

    async def admit(self, request: Request, work: Work | None, *, cost: int = 1) -> dict[str, str]:
        """Count the request as so many and return the headers that tell of it; raise RateLimited."""
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

    async def check_origin(self, request: Request, work: Work, *, unread: bool = False) -> None:
        """Raise Forbidden where a changing request by cookie did not come from our own pages.

        An `unread` body is not asked: only a header can say so then.
        """
        ...


# FastAPI's own way, a `model`, would call it application/json.
PROBLEM: dict[str, Any] = {
    "description": "Problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
}


class WorkRoute(APIRoute):
    """A route that opens a unit of work for its caller, runs the endpoint, and commits before the answer leaves.

    Where its caller's organisation has switched off the app that `switch` names, there is no such route.
    """

    switch: str | None = None

    def __init__(self, path: str, declared: Declared, house: Boundary, **options: Any) -> None:
        self.declared = declared
        self.house = house
        super().__init__(path, _replying(declared), methods=[declared.method], **options)
        bind = binder(self.dependant, embedded=self._embed_body_fields)
        if bind is not None:
            self.app = _answering(self._handler(_bound(bind, self.dependant.call, super().get_route_handler())))
        else:
            self.app = _with_stack(self.app)

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
        verb, settings = declared.verb, self.house.works.settings
        of_api = self.path.startswith("/api/")
        changes = verb is not None and verb.writes and verb.permission is not None and declared.method not in SAFE
        takes = taken(self.body_field, anything=not of_api or "body" in declared.options)
        asks = not of_api or has_query(self.dependant)

        async def handle(request: Request) -> Response:
            if changes and settings.read_only:
                raise ReadOnly
            await _check_counted(request, house, asks=asks)
            headers = gate = None
            if declared.prepare is not None and verb is not None:
                headers, gate = await _knock(request, house, verb, from_here=declared.streams)
                if declared.max_body is not None:
                    request.scope[MAX_BODY_KEY] = declared.max_body
            if declared.method not in SAFE and not declared.streams:
                await _read_counted(request, house, takes, counted=headers is not None)
            response = None
            try:
                if declared.prepare is not None and gate is not None:
                    request.state.prepared = await declared.prepare(request, gate)
                if verb is None or verb.access == "public":
                    response = await _at_the_gate(request, house, inner)
                else:
                    response = await _in_a_work(request, house, inner, verb, headers)
            except Exception as error:
                known = explain(error)
                if known is None or known is error:
                    raise
                raise known from error
            finally:
                await _settle(request, response)
            return finished(request, response)

        return handle


async def _settle(request: Request, response: Response | None) -> None:
    """Let go of what came of a body and was not made use of, where `prepare` made something of that kind (`Staged`)."""
    staged = getattr(request.state, "prepared", None)
    if staged is not None and hasattr(staged, "settle"):
        await staged.settle(answered=response is not None and response.status_code < 400)


def _answering(handle: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Return the application of a route without the framework's stacks and its second handling of errors."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _with_stack(app: ASGIApp) -> ASGIApp:
    """Return the framework's application of a route inside the stack that closes the files of a form."""

    async def stacked(scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            scope["fastapi_middleware_astack"] = stack
            await app(scope, receive, send)

    return stacked


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


async def _check_counted(request: Request, house: Boundary, *, asks: bool) -> None:
    """Check the parameters; a request that is refused for them counts all the same."""
    try:
        check_query(request, asks=asks)
    except HoldfastError:
        await _count(request, house)
        raise


async def _read_counted(request: Request, house: Boundary, takes: str | None, *, counted: bool) -> None:
    """Read the whole body before any transaction begins; one that is refused counts all the same."""
    try:
        await read_body(request, takes, max_depth=house.works.settings.json_max_depth)
    except HoldfastError:
        if not counted:
            await _count(request, house)
        raise


async def _count(request: Request, house: Boundary) -> None:
    """Count a request whose parameters or body were refused, and which therefore reaches no unit of work."""
    with suppress(Unauthenticated):  # counted as such
        work = await _enter(request, house, request_info(request), write=False)
        try:
            await house.limits.admit(request, work)
            await check_switch(request, work)
        finally:
            await work.close()


async def _at_the_gate(request: Request, house: Boundary, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    request.state.gate = Gate(house.works, request_info(request))
    headers = await house.limits.admit(request, None)
    response = await inner(request)
    response.headers.update(headers)
    return response


async def _knock(request: Request, house: Boundary, verb: Verb, *, from_here: bool) -> tuple[dict[str, str], Gate]:
    """Refuse who may not, before a body is worked on; return the headers of the rate limit and a gate for who may.

    With `from_here` a form from elsewhere is refused now; else that waits until the body was read, which may say so.
    """
    info = request_info(request)
    work = await _enter(request, house, info, write=False)
    try:
        try:
            headers = await house.limits.admit(request, work, cost=verb.cost)
            await check_switch(request, work)
            verb.admit(work.actor, work.now())
            if from_here:
                await house.check_origin(request, work, unread=True)
        finally:
            await work.close()
    except HoldfastError as error:
        if error.refusal:
            await house.works.refuse(work.tenant_id, work.actor, info, _refusal(request, verb, error))
        raise
    return headers, Gate(house.works, info, work.actor, work.tenant_id)


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
                headers = await house.limits.admit(request, work, cost=verb.cost)
            await check_switch(request, work)
            if request.method not in SAFE:
                await house.check_origin(request, work)
            elif verb.writes:
                verb.admit(work.actor, work.now())  # the form for a verb does not call it
            request.state.work = work
            response = await _once(request, work, inner)
            # A page that shows what is wrong with a form has changed nothing, and must not have.
            if response.status_code < 400:
                await work.commit()
        finally:
            await work.close()
    except HoldfastError as error:
        if error.refusal:
            await house.works.refuse(work.tenant_id, work.actor, info, _refusal(request, verb, error))
        raise
    if (verb.sensitive or work.actor.watched) and request.method in SAFE and response.status_code < 400:
        await house.works.note(work.tenant_id, work.actor, info, _reading(request, verb))
    response.headers.update(headers)
    return response


async def _once(request: Request, work: Work, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    """Run the endpoint, or give the earlier answer to a creation that is sent again."""
    if request.method != "POST" or idempotency.HEADER not in request.headers:
        return await inner(request)
    earlier = await idempotency.replayed(work, request)
    if earlier is not None:
        return earlier
    response = finished(request, await inner(request))
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
    """Return what an error means to the caller; None for a defect of ours."""
    return meaning(error) or as_error(error)


def _reading(request: Request, verb: Verb) -> Record:
    """Return what is written of a sensitive read: whose or what was read, and by which parameters."""
    entity_type, entity_id = named_entity(request.path_params)
    return Record(
        action=verb.name,
        category="access",
        severity="notice",
        outcome="success",
        entity_type=entity_type,
        entity_id=entity_id,
        detail={"verb": verb.name, **request.query_params},
    )


def _refusal(request: Request, verb: Verb, error: HoldfastError) -> Record:
    entity_type, entity_id = named_entity(request.path_params)
    return Record(
        action=verb.name,
        category="access",
        severity="warning",
        outcome="refused",
        reason=error.code,
        entity_type=entity_type,
        entity_id=entity_id,
        detail={"verb": verb.name},
    )


def make_route(path: str, declared: Declared, house: Boundary, *, name: str, tag: str, page: bool = False) -> WorkRoute:
    """Return the route of a declared operation, with what its page of the reference shows."""
    shown = declared.answers or declared.function.__annotations__.get("return")
    one = isinstance(shown, type) and issubclass(shown, BaseModel)
    model = shown if one or isinstance(shown, UnionType) else None
    doc = (declared.function.__doc__ or "").strip()
    extra: dict[str, Any] = {"x-permission": declared.verb.permission or declared.verb.access} if declared.verb else {}
    if "body" in declared.options:
        extra["requestBody"] = declared.options["body"]
    responses: dict[int | str, dict[str, Any]] = {"4XX": PROBLEM, "5XX": PROBLEM}
    responses |= {status: {"description": text} for status, text in declared.options.get("also", {}).items()}
    how: dict[str, Any] = {}
    if "media" in declared.options:
        how["response_class"] = Response
        media = declared.options["media"]
        kinds = (media,) if isinstance(media, str) else media
        responses[declared.status] = {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}
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
        responses=responses,
        openapi_extra=extra or None,
        **how,
    )
