"""Reading HTML forms into schemas, telling what is wrong in a person's words, and refusing forms from elsewhere."""

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, SecretStr, ValidationError
from starlette.requests import Request

from holdfast.kernel.crypto import encode, mac, same
from holdfast.kernel.errors import BadRequest, ContentTooLarge, Forbidden, HoldfastError, Invalid, UnsupportedMediaType
from holdfast.kernel.errors.problems import invalid_input

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_BYTES = 256 * 1024
MAX_FIELDS = 500
TOKEN_FIELD = "csrf_token"  # noqa: S105
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105

Schema = TypeVar("Schema", bound=BaseModel)


@dataclass(frozen=True)
class Form:
    """What a form shows: the value of each field, and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    general: tuple[str, ...] = ()
    title: str = "There is a problem"

    @classmethod
    def of(cls, record: object = None, **values: object) -> "Form":
        """Return the form that shows a record (a schema, a mapping, or nothing for an empty form)."""
        shown = record.model_dump(mode="json") if isinstance(record, BaseModel) else record or {}
        if not isinstance(shown, Mapping):
            raise TypeError(f"a form cannot show {type(record).__name__}")
        return cls({name: _shown(value) for name, value in {**shown, **values}.items()})

    @property
    def wrong(self) -> bool:
        """Tell whether there is anything to put right."""
        return bool(self.faults or self.general)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Return (field name, fault) for the summary above the form, with an empty name where no field is meant."""
        return [*(("", text) for text in self.general), *self.faults.items()]

    def value(self, name: str) -> str:
        """Return what the field shows."""
        return self.values.get(name, "")

    def fault(self, name: str) -> str | None:
        """Return what is wrong with the field."""
        return self.faults.get(name)


class FormErrors(Form):
    """A form that could not be accepted, with what the person typed (never a password); shown again with 422."""


async def read_form(
    request: Request, schema: type[Schema], *, labels: Mapping[str, str] | None = None
) -> Schema | FormErrors:
    """Return the schema that a form fills, or the form with its faults.

    An empty field counts as not given. Labels name the fields in messages; without one the field's title or name does.
    Raises UnsupportedMediaType, ContentTooLarge and BadRequest for what no form of ours sends.
    """
    pairs = await read_pairs(request)
    lists = {name for name, info in schema.model_fields.items() if _holds(info.annotation, list)}
    given: dict[str, object] = {}
    for name, value in pairs:
        if name in lists:
            kept = given.setdefault(name, [])
            assert isinstance(kept, list)
            kept.append(value)
        elif name in given:
            raise BadRequest(f"The field {name[:60]} was sent more than once.")
        elif value.strip():
            given[name] = value
    return _filled(schema, given, pairs, labels)


def _filled(
    schema: type[Schema], given: object, pairs: Iterable[tuple[str, str]], labels: Mapping[str, str] | None
) -> Schema | FormErrors:
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        faults: dict[str, str] = {}
        general: list[str] = []
        for fault in error.errors(include_url=False):
            name = str(fault["loc"][0]) if fault["loc"] else ""
            text = _told(fault, _label(schema, name, labels)) + _example(fault, schema, name)
            if name in schema.model_fields:
                faults.setdefault(name, text)
            else:
                general.append(text)
        return FormErrors(_kept(pairs, schema), faults, tuple(general))


def read_query(request: Request, schema: type[Schema]) -> Schema:
    """Return the schema that an address's query fills; an empty filter counts as not given, a day as its midnight.

    Raises Invalid naming what cannot be accepted.
    """
    try:
        return schema.model_validate(_filters(request, schema))
    except ValidationError as error:
        raise invalid_input(error, source="query") from None


def read_filters(
    request: Request, schema: type[Schema], *, labels: Mapping[str, str] | None = None
) -> Schema | FormErrors:
    """Return the schema that an address's query fills as `read_query` does, or the filters with their faults."""
    return _filled(schema, _filters(request, schema), request.query_params.multi_items(), labels)


def _filters(request: Request, schema: type[BaseModel]) -> dict[str, str]:
    given: dict[str, str] = {}
    fields = schema.model_fields
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Invalid.field(f"query.{name[:60]}", "repeated", "is given more than once")
        if value.strip():
            is_day = len(value) == 10 and name in fields and _holds(fields[name].annotation, datetime, AwareDatetime)
            given[name] = f"{value}T00:00:00Z" if is_day else value
    return given


async def form_errors(
    request: Request, error: HoldfastError, schema: type[BaseModel], *, labels: Mapping[str, str] | None = None
) -> FormErrors:
    """Return the form as it was sent with what a verb's error says of its fields.

    `body.code` belongs to `code`, and so does `body.code[0]`.
    """
    faults: dict[str, str] = {}
    general: list[str] = []
    for each in error.errors:
        name = re.split(r"[.\[]", each.location.removeprefix("body."), maxsplit=1)[0]
        if name in schema.model_fields:
            label = _label(schema, name, labels)
            message = each.message.removeprefix(name).strip()
            faults.setdefault(name, f"{label} {message}")
        else:
            general.append(each.message)
    if not error.errors:
        general.append(error.detail)
    return FormErrors(_kept(await read_pairs(request), schema), faults, tuple(general))


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in order, without the CSRF token.

    Raises UnsupportedMediaType, ContentTooLarge, and BadRequest for what is not UTF-8 or holds a NUL character.
    """
    return [(name, value) for name, value in await _every_pair(request) if name != TOKEN_FIELD]


async def _every_pair(request: Request) -> list[tuple[str, str]]:
    if _media_type(request) != MEDIA_TYPE:
        raise UnsupportedMediaType(f"A form is sent as {MEDIA_TYPE}.")
    raw = await request.body()
    if len(raw) > MAX_BYTES:
        raise ContentTooLarge(f"A form may hold {MAX_BYTES // 1024} KiB.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise BadRequest("The form is not valid UTF-8.") from None
    except ValueError:
        raise BadRequest(f"A form may have {MAX_FIELDS} fields.") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise BadRequest("The form contains a NUL character.")
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]


def csrf_token(session_id: UUID, key: bytes) -> str:
    """Return the token that changing requests of a browser session carry; `key` is derived for this purpose only."""
    return encode(mac(key, session_id.bytes))


async def check_csrf(
    request: Request, *, session_id: UUID | None, key: bytes, public_url: str = "", unread: bool = False
) -> None:
    """Raise Forbidden unless a changing request comes from a page of ours and, in a session, carries its token.

    The token stands in the header X-CSRF-Token or in the form's `csrf_token`, in the header only where the body is to
    stay `unread`; before signing in (`session_id` None) there is none and the origin alone decides.
    """
    check_origin(request, public_url)
    if session_id is None:
        return
    given = request.headers.get(TOKEN_HEADER)
    if unread:
        pass
    elif given is None and _media_type(request) == MEDIA_TYPE:
        given = next((value for name, value in await _every_pair(request) if name == TOKEN_FIELD), None)
    elif given is None and _media_type(request) == "multipart/form-data":
        sent = (await request.form()).get(TOKEN_FIELD)
        given = sent if isinstance(sent, str) else None
    if given is None or not same(given.encode(), csrf_token(session_id, key).encode()):
        raise Forbidden("This form is too old or was not sent from here. Open the page again and repeat.")


def check_origin(request: Request, public_url: str = "") -> None:
    """Raise Forbidden unless the browser says that the request came from our own pages.

    Origin decides where it is sent, else Sec-Fetch-Site, else Referer; a request that says nothing is refused.
    """
    ours = _origin(public_url or f"{request.url.scheme}://{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    referer = request.headers.get("referer")
    if site is not None and site not in {"same-origin", "none"}:
        trusted = False
    elif origin is not None:
        trusted = ours is not None and _origin(origin) == ours
    elif site is not None:
        trusted = True
    else:
        trusted = ours is not None and referer is not None and _origin(referer) == ours
    if not trusted:
        raise Forbidden("The request was not sent from a page of this installation.")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _origin(address: str) -> str | None:
    """Return scheme, host and port of an address, None for one that has none (`null` among them)."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname and port else None


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value)


def _kept(pairs: Iterable[tuple[str, str]], schema: type[BaseModel]) -> dict[str, str]:
    """Return what a form shows again: no secret, and nothing but the schema's fields."""
    fields = schema.model_fields
    return {
        name: value
        for name, value in pairs
        if name in fields and "password" not in name and not _holds(fields[name].annotation, SecretStr)
    }


def _holds(annotation: object, *kinds: object) -> bool:
    """Tell whether a type is or, as a union or annotated one, may be one of `kinds`."""
    if annotation in kinds or get_origin(annotation) in kinds:
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_holds(part, *kinds) for part in get_args(annotation))
    return False


def _label(schema: type[BaseModel], name: str, labels: Mapping[str, str] | None) -> str:
    info = schema.model_fields.get(name)
    found = (labels or {}).get(name) or (info.title if info is not None else None)
    return found or (name.replace("_", " ").capitalize() if info is not None else "The form")


def _example(fault: Mapping[str, Any], schema: type[BaseModel], name: str) -> str:
    """Return an example of the form that a field's value lacks, where the schema has one."""
    if fault["type"] != "string_pattern_mismatch" or name not in schema.model_fields:
        return ""
    shown = schema.model_json_schema()["properties"][name]
    return next(
        (f", such as {part['examples'][0]}" for part in (shown, *shown.get("anyOf", ())) if "examples" in part), ""
    )


def _told(fault: Mapping[str, Any], label: str) -> str:
    """Return one of Pydantic's errors as a sentence that says what to do, never what was typed."""
    kind, context = str(fault["type"]), fault.get("ctx") or {}
    if kind in {"missing", "string_too_short"} and context.get("min_length", 1) <= 1:
        return f"{label} is required"
    said = {
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have {max_length} characters or fewer",
        "string_pattern_mismatch": "is not in the right form",
        "enum": "must be one of the choices",
        "literal_error": "must be one of the choices",
        "int_parsing": "must be a whole number",
        "int_type": "must be a whole number",
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "uuid_parsing": "is not a valid id",
        "datetime_from_date_parsing": "is not a valid time",
        "date_from_datetime_parsing": "must be a date such as 2026-03-31",
        "date_parsing": "must be a date such as 2026-03-31",
        "extra_forbidden": "has a field that is not known here",
    }.get(kind)
    if said is not None:
        return f"{label} {said.format(**context)}"
    if kind == "value_error":
        return f"{label} {str(fault['msg']).removeprefix('Value error, ')}"
    return f"{label} is not valid"
