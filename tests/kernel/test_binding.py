"""Our binding of a good request gives what the framework's does; what is not good is left to the framework."""

import enum
from contextlib import AsyncExitStack
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
import pytest
from fastapi import Body, Cookie, Depends, File, Form, Header, Query
from fastapi.dependencies.utils import solve_dependencies
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticUndefined
from starlette.requests import Request

from holdfast.kernel.errors import Invalid
from holdfast.kernel.http.binding import binder

pytestmark = pytest.mark.unit

ID = "0190a3a0-0000-7000-8000-000000000001"


class Colour(enum.StrEnum):
    RED = "red"


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    q: Annotated[str | None, Field(max_length=5)] = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    colour: Colour | None = None
    day: date | None = None
    yes: bool = False
    tags: list[str] = []


class Loose(BaseModel):
    size: int


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    count: int = 1


async def current(request: Request) -> str:
    return request.method


async def version(if_match: Annotated[str | None, Header(alias="If-Match")] = None) -> str | None:
    return if_match


async def nothing() -> None: ...


async def listing(work: Annotated[str, Depends(current)], params: Annotated[Filters, Query()]) -> None: ...


async def loose(params: Annotated[Loose, Query()]) -> None: ...


async def reading(thing_id: UUID, request: Request, x_few: Annotated[int, Header()] = 3) -> None: ...


async def writing(thing_id: UUID, body: Thing, seen: Annotated[str | None, Depends(version)]) -> None: ...


async def writing_some(body: Thing | None = None) -> None: ...


def request_of(method: str, path_id: str, query: str, headers: dict[str, str], body: Any) -> Request:
    request = Request(
        {
            "type": "http",
            "method": method,
            "path": "/",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "path_params": {"thing_id": path_id},
        }
    )
    if body is not None:
        request._json = orjson.loads(body)
    return request


async def framework(route: APIRoute, request: Request) -> tuple[dict[str, Any], list[Any]]:
    async with AsyncExitStack() as stack:
        request.scope["fastapi_inner_astack"] = request.scope["fastapi_function_astack"] = stack
        solved = await solve_dependencies(
            request=request,
            dependant=route.dependant,
            body=getattr(request, "_json", PydanticUndefined),
            async_exit_stack=stack,
            embed_body_fields=route._embed_body_fields,
        )
    return solved.values, solved.errors


CASES: list[tuple[Any, str, str, dict[str, str], str | None]] = [
    (nothing, ID, "", {}, None),
    (nothing, ID, "unknown=1", {}, None),
    *(
        (listing, ID, query, {}, None)
        for query in (
            "",
            "q=ab&size=7",
            "q=",
            "q=%20a%20",
            "size=0",
            "size=x",
            "size=",
            "colour=red&day=2026-01-02&yes=true",
            "colour=blue",
            "yes=maybe",
            "unknown=1",
            "q=abcdef&size=0",
            "tags=a",
            "tags=a&tags=b",
            "q=%FF",
            "q",
            "&&",
        )
    ),
    *((loose, ID, query, {}, None) for query in ("", "size=1", "size=1&more=2", "more=2")),
    *((reading, path, "", headers, None) for path in (ID, "x", "") for headers in ({}, {"X-Few": "5"}, {"X-Few": "a"})),
    *(
        (writing, path, "", headers, body)
        for path in (ID, "x")
        for headers in ({}, {"If-Match": '"3"'})
        for body in ('{"name":"a"}', '{"name":1}', '{"name":"a","more":1}', "{}", "[]", "null", '"a"', None)
    ),
    *((writing_some, ID, "", {}, body) for body in ('{"name":"a"}', "null", "{}", None)),
]


@pytest.mark.parametrize(("endpoint", "path_id", "query", "headers", "body"), CASES)
async def test_binds_as_the_framework_does(
    endpoint: Any, path_id: str, query: str, headers: dict[str, str], body: str | None
) -> None:
    path = "/{thing_id}" if endpoint in (reading, writing) else "/"
    route = APIRoute(path, endpoint, methods=["POST"])
    bind = binder(route.dependant, embedded=route._embed_body_fields)
    assert bind is not None
    request = request_of("POST", path_id, query, headers, body)
    expected, errors = await framework(route, request)
    bound = await bind(request)
    if errors:
        assert bound is None
    elif bound is not None:
        assert bound == expected
        assert [type(value) for value in bound.values()] == [type(expected[name]) for name in bound]


async def test_refuses_a_parameter_of_one_value_that_comes_twice() -> None:
    """The framework takes the last of them without a word."""
    route = APIRoute("/", listing, methods=["POST"])
    bind = binder(route.dependant, embedded=False)
    assert bind is not None
    for query in ("size=1&size=2", "tags=a&q=x&size=1&q=x", "size=0&size=1"):
        with pytest.raises(Invalid) as caught:
            await bind(request_of("POST", ID, query, {}, None))
        [fault] = caught.value.errors
        assert (fault.location, fault.code) == (f"query.{'q' if 'q' in query else 'size'}", "repeated")
    assert await bind(request_of("POST", ID, "more=1&more=2", {}, None)) is None


async def test_binds_good_requests_itself() -> None:
    """Handing everything over would pass the comparison and gain nothing."""
    good = [(listing, "size=7", None), (writing, "", '{"name":"a"}'), (reading, "", None)]
    for endpoint, query, body in good:
        route = APIRoute("/{thing_id}" if endpoint is not listing else "/", endpoint, methods=["POST"])
        bind = binder(route.dependant, embedded=False)
        assert bind is not None
        assert await bind(request_of("POST", ID, query, {}, body)) is not None


def sync_dependency() -> None: ...


async def yielding() -> Any:
    yield 1


async def with_form(name: Annotated[str, Form()]) -> None: ...


async def with_file(file: Annotated[bytes, File()]) -> None: ...


async def with_cookie(name: Annotated[str, Cookie()] = "") -> None: ...


async def with_two_bodies(one: Thing, two: Thing) -> None: ...


async def with_embedded(one: Annotated[Thing, Body(embed=True)]) -> None: ...


async def with_scalar_query(name: str) -> None: ...


async def with_thread(_: Annotated[None, Depends(sync_dependency)]) -> None: ...


async def with_yield(_: Annotated[int, Depends(yielding)]) -> None: ...


async def asked_twice(one: Annotated[str, Depends(current)], two: Annotated[str, Depends(current)]) -> None: ...


@pytest.mark.parametrize(
    "endpoint",
    [
        with_form,
        with_file,
        with_cookie,
        with_two_bodies,
        with_embedded,
        with_scalar_query,
        with_thread,
        with_yield,
        asked_twice,
    ],
)
def test_leaves_the_rest_to_the_framework(endpoint: Any) -> None:
    route = APIRoute("/", endpoint, methods=["POST"])
    assert binder(route.dependant, embedded=route._embed_body_fields) is None
