"""From what a driver returns to JSON, by column type: equal data are equal bytes on every database."""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeDecorator, TypeEngine

from holdfast.kernel.db import CanonicalJson, canonical
from holdfast.kernel.errors import ConfigurationError

Decoder = Callable[[Any], Any]
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def decoder(column_type: TypeEngine[Any], dialect: Dialect) -> Decoder | None:
    """Return the function from a driver's value (never None) to what orjson with `OPTIONS` writes, None for no change.

    UUIDs become canonical text, moments RFC 3339 with microseconds where there are any (as orjson and Pydantic write
    them, so that a record looks the same in a list and alone), decimals and dates text, enumerations their value;
    JSON is written as it is stored. Raises ConfigurationError for a type that has no JSON form.
    """
    base = base_type(column_type)
    if isinstance(base, types.LargeBinary | types.NullType | types.Interval):
        raise ConfigurationError(f"A list cannot show a column of type {column_type!r}.")
    if isinstance(base, types.Numeric) and base.asdecimal and dialect.name != "sqlite":
        return str  # both servers keep the scale
    for kind, by_dialect in _DECODERS:
        if isinstance(column_type if kind is CanonicalJson else base, kind):
            return by_dialect.get(dialect.name, by_dialect["else"])
    if type(base) in _PLAIN and not _processes(column_type):
        return None
    return _through_sqlalchemy(column_type, dialect)


def data_decoder(column_type: TypeEngine[Any], dialect: Dialect) -> Decoder | None:
    """Return what `decoder` does, but with JSON columns read and moments text: for templates, files and cursors."""
    if isinstance(base_type(column_type), types.DateTime) and dialect.name != "sqlite":
        return _as_text
    found = decoder(column_type, dialect)
    if found is _from_json:
        return None
    return orjson.loads if found in (_from_canonical, _from_json_text) else found


def base_type(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type beneath all decorators."""
    while isinstance(column_type, TypeDecorator):
        column_type = column_type.impl_instance
    return column_type


def parse(column_type: TypeEngine[Any], value: Any) -> Any:
    """Return the Python value that `decoder` made text of: what SQLAlchemy binds; ValueError where it is none."""
    kind = base_type(column_type).python_type
    if kind is uuid.UUID:
        return uuid.UUID(value)
    if kind is dt.datetime:
        moment = dt.datetime.fromisoformat(value)
        return moment if getattr(base_type(column_type), "timezone", False) else moment.replace(tzinfo=None)
    if kind in (dt.date, dt.time):
        return kind.fromisoformat(value)
    if kind is Decimal or issubclass(kind, Enum):
        return kind(value)
    return value


_PLAIN = {
    types.String,
    types.Text,
    types.Unicode,
    types.UnicodeText,
    types.VARCHAR,
    types.CHAR,
    types.TEXT,
    types.Integer,
    types.BigInteger,
    types.SmallInteger,
    types.INTEGER,
    types.BIGINT,
    types.SMALLINT,
}


def _processes(column_type: TypeEngine[Any]) -> bool:
    """Tell whether a decorated text or integer becomes something else in Python; a member of a StrEnum is its text."""
    if not isinstance(column_type, TypeDecorator):
        return False
    own = type(column_type).process_result_value is not TypeDecorator.process_result_value
    return own and not issubclass(getattr(column_type, "kind", object), str)


def _canonical_uuid(value: str) -> str:
    if len(value) == 36:
        return value
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def _as_text(value: dt.datetime) -> str:
    """Return RFC 3339 text of a moment in UTC; asyncpg's are aware, asyncmy's naive."""
    return value.replace(tzinfo=None).isoformat() + "Z"


def _from_sqlite(value: str) -> str:
    return f"{value[:10]}T{value[11:].removesuffix('.000000')}Z"


def _from_json(value: Any) -> orjson.Fragment:
    return orjson.Fragment(canonical(value))


def _from_json_text(text: str | bytes) -> orjson.Fragment:
    return _from_json(orjson.loads(text))


def _from_canonical(text: str) -> orjson.Fragment:
    return orjson.Fragment(text)


def _through_sqlalchemy(column_type: TypeEngine[Any], dialect: Dialect) -> Decoder:
    """Return the slow and general way: SQLAlchemy's Python value, then its JSON form."""
    process = column_type.dialect_impl(dialect).result_processor(dialect, None)

    def decode(value: Any) -> Any:
        made = value if process is None else process(value)
        if isinstance(made, Enum):
            return made.value
        if isinstance(made, Decimal):
            return str(made)
        if isinstance(made, dt.datetime):
            return _as_text(made.astimezone(dt.UTC).replace(tzinfo=None) if made.tzinfo else made)
        if isinstance(made, dt.date | dt.time):
            return made.isoformat()
        return made

    return decode


_DECODERS: tuple[tuple[type[TypeEngine[Any]], dict[str, Decoder | None]], ...] = (
    (CanonicalJson, {"else": _from_canonical}),
    (types.Uuid, {"postgresql": str, "else": _canonical_uuid}),
    (types.DateTime, {"sqlite": _from_sqlite, "else": None}),  # orjson writes it five times faster than Python
    (types.Boolean, {"postgresql": None, "else": bool}),
    (types.JSON, {"postgresql": _from_json, "else": _from_json_text}),  # asyncpg's codec has read it already
)
