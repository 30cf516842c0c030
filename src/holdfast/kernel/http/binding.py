"""Binding the parts of a good request to an endpoint's arguments, in a tenth of the time that the framework takes.

The framework works out anew with every request what a declaration asks for; here that is done once a route. Whatever
is not plainly good (a missing value, an unknown parameter, a wrong type) is handed to the framework, which finds the
same faults and words them: so only what succeeds must agree, and a test compares both. One thing is refused here, since
the framework lets it pass: a query parameter of one value that comes twice.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi._compat import field_annotation_is_sequence, is_scalar_field
from fastapi.dependencies.models import Dependant
from fastapi.params import Body, File, Form, Query
from pydantic import BaseModel, Json, ValidationError
from starlette.requests import Request

from holdfast.kernel.errors import Invalid

Values = dict[str, Any]
Binder = Callable[[Request], Awaitable[Values | None]]
_OTHER = (
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
    "own_oauth_scopes",
)
_ABSENT = object()
_UNCHANGING = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class _Value:
    """One parameter: where it goes, under what name it comes, what checks it, what stands for it when it is absent."""

    name: str
    alias: str
    check: Callable[..., Any]
    default: Any


@dataclass(frozen=True, slots=True)
class _Query:
    """The query parameters as a model, and which of its fields take the text of one parameter."""

    name: str
    check: Callable[..., Any]
    single: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one function of the declaration asks for."""

    name: str | None
    call: Callable[..., Any]
    parts: "tuple[_Part, ...]"
    path: tuple[_Value, ...]
    headers: tuple[_Value, ...]
    query: _Query | None
    body: _Value | None
    request: str | None


def binder(dependant: Dependant, *, embedded: bool) -> Binder | None:
    """Return the function from a request to the arguments of an endpoint, None where the framework must bind it.

    The function returns None for a request that the framework must look at. A JSON body is read and parsed before.
    """
    part = _part(dependant, embedded=embedded)
    calls = [] if part is None else _calls(part)
    if part is None or len(calls) != len(set(calls)):  # the framework asks a function once, however often it is named
        return None

    async def bind(request: Request) -> Values | None:
        try:
            return await _bind(part, request)
        except ValidationError:
            return None

    return bind


def _part(dependant: Dependant, *, embedded: bool) -> _Part | None:
    if any(getattr(dependant, name) for name in _OTHER) or not inspect.iscoroutinefunction(dependant.call):
        return None
    parts = [_part(each, embedded=embedded) for each in dependant.dependencies]
    values = [_value(field) for field in (*dependant.path_params, *dependant.header_params)]
    body = [_value(field) for field in dependant.body_params]
    query = _query(dependant)
    if (
        None in parts
        or None in values
        or None in body
        or len(body) > 1
        or (body and embedded)
        or (dependant.query_params and query is None)
    ):
        return None
    count = len(dependant.path_params)
    return _Part(
        dependant.name,
        dependant.call,
        tuple(each for each in parts if each is not None),
        tuple(each for each in values[:count] if each is not None),
        tuple(each for each in values[count:] if each is not None),
        query,
        body[0] if body else None,
        dependant.request_param_name,
    )


def _calls(part: _Part) -> list[Callable[..., Any]]:
    return [part.call, *(call for each in part.parts for call in _calls(each))]


def _value(field: Any) -> _Value | None:
    """Return a plain value; None for forms, files, lists and models of several parameters."""
    info = field.field_info
    if isinstance(info, Form | File) or info.validation_alias not in (None, field.alias) or info.validate_default:
        return None
    if not isinstance(info, Body) and not is_scalar_field(field):
        return None
    default = _ABSENT
    if not info.is_required():
        if info.default_factory is not None or not isinstance(info.default, _UNCHANGING):
            return None
        default = info.default
    return _Value(field.name, field.alias, _checker(field), default)


def _checker(field: Any) -> Callable[..., Any]:
    validate: Callable[..., Any] = field._type_adapter.validate_python  # noqa: SLF001  what the framework's field calls
    return validate


def _query(dependant: Dependant) -> _Query | None:
    """Return the model of the query parameters."""
    if len(dependant.query_params) != 1:
        return None
    field: Any = dependant.query_params[0]
    info = field.field_info
    model = info.annotation
    if not isinstance(info, Query) or not isinstance(model, type) or not issubclass(model, BaseModel):
        return None
    if any(each.alias or each.validation_alias for each in model.model_fields.values()):
        return None
    single = frozenset(
        name
        for name, each in model.model_fields.items()
        if not field_annotation_is_sequence(each.annotation) and Json not in map(type, each.metadata)
    )
    return _Query(field.name, _checker(field), single)


async def _bind(part: _Part, request: Request) -> Values | None:
    values: Values = {}
    for each in part.parts:
        inner = await _bind(each, request)
        if inner is None:
            return None
        solved = await each.call(**inner)
        if each.name is not None:
            values[each.name] = solved
    for value in part.path:
        values[value.name] = value.check(request.path_params[value.alias], from_attributes=True)
    good = _bind_headers(part, request, values) and _bind_query(part, request, values)
    if part.body is not None:
        parsed = getattr(request, "_json", _ABSENT)
        good = good and parsed is not _ABSENT
        values[part.body.name] = part.body.check(parsed, from_attributes=True)
    if part.request is not None:
        values[part.request] = request
    return values if good else None


def _bind_headers(part: _Part, request: Request, values: Values) -> bool:
    for value in part.headers:
        given: Any = request.headers.get(value.alias)
        found = value.default if given is None else value.check(given, from_attributes=True)
        if found is _ABSENT:
            return False
        values[value.name] = found
    return True


def _bind_query(part: _Part, request: Request, values: Values) -> bool:
    if part.query is None:
        return True
    sent = request.query_params.multi_items()
    asked = dict(sent)
    if len(asked) != len(sent):
        names = [name for name, _ in sent]
        for name in names:
            if name in part.query.single and names.count(name) > 1:
                raise Invalid.field(f"query.{name}", "repeated", "is given more than once")
    if not asked.keys() <= part.query.single:
        return False
    values[part.query.name] = part.query.check(asked, from_attributes=True)
    return True
