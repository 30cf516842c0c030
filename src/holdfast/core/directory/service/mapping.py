"""What their headings mean: the mapping that comes with a file."""

from collections.abc import Iterable, Mapping

import orjson

from holdfast.core.directory.service.people_files import COLUMNS, heading
from holdfast.kernel.errors import Invalid

IGNORE = "ignore"
MOST = 200


def parse_mapping(text: str | None, location: str) -> dict[str, str]:
    """Return our column by their heading from JSON such as `{"number": "Staff no", "ignore": ["Shoe size"]}`.

    Raises Invalid naming the member below `location`, which is `query.mapping` or `body.mapping`.
    """
    if text is None:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid.field(location, "invalid", "must be a JSON object: our column and, as its value, their heading")
    return make_mapping(found, location)


def make_mapping(given: Mapping[str, object], location: str) -> dict[str, str]:
    """Return our column by their heading, "" for one that is left out; raise Invalid naming the member."""
    made: dict[str, str] = {}
    for column, value in given.items():
        where = f"{location}.{column[:60]}"
        if column != IGNORE and column not in COLUMNS:
            raise Invalid.field(where, "unknown_column", f"must be {IGNORE} or one of {', '.join(COLUMNS)}")
        headings = value if column == IGNORE and isinstance(value, list) else [value]
        for each in _texts(headings, where):
            if made.setdefault(each, "" if column == IGNORE else column) != ("" if column == IGNORE else column):
                raise Invalid.field(where, "repeated", f"the heading {each[:60]!a} is named for two columns")
    return made


def mapping_of(pairs: Iterable[str], location: str) -> dict[str, str]:
    """Return our column by their heading from texts such as `number=Staff no`; raise Invalid."""
    given: dict[str, object] = {}
    ignored: list[object] = []
    for pair in pairs:
        column, found, name = pair.partition("=")
        if not found or (column != IGNORE and column in given):
            raise Invalid.field(location, "invalid", f"{pair[:60]!a} is not column=heading, each column once")
        if column == IGNORE:
            ignored.append(name)
        else:
            given[column] = name
    return make_mapping({**given, IGNORE: ignored}, location)


def _texts(values: list[object], where: str) -> list[str]:
    if len(values) > MOST:
        raise Invalid.field(where, "too_many", f"at most {MOST} headings")
    found = [heading(value) if isinstance(value, str) and len(value) <= MOST else "" for value in values]
    if not all(found):
        raise Invalid.field(where, "invalid", f"must be a heading: a text of at most {MOST} characters")
    return found
