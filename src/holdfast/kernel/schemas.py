"""Shapes of what comes in and what goes out."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")


class Inward(BaseModel):
    """What a caller sends: unknown fields are refused, blanks around text are dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    def given(self) -> dict[str, object]:
        """Return only the fields that the caller sent, as attributes."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def _without_defaults(schema: dict[str, Any]) -> None:
    for shown in schema["properties"].values():
        shown.pop("default", None)


class Partial(Inward):
    """Fields to change, for PATCH: what is left out stays, so the documents show no defaults."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Outward(BaseModel):
    """What a caller gets; made from a row or a dict. Fields named in `once` are null where an answer is given again."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
    once: ClassVar[frozenset[str]] = frozenset()


class RecordOut(Outward):
    """A mutable record: its id, its version (also the ETag) and its bookkeeping."""

    id: UUID
    version: Annotated[int, Field(description="Rises with each change; sent as ETag, asked for in If-Match.")]
    created_at: datetime
    updated_at: datetime
    created_by: UUID | None
    updated_by: UUID | None


class Meta(Outward):
    """Where in the list the page is."""

    page: int | None = Field(description="Number of the page, null when paging by cursor.")
    page_size: int
    total: int | None = Field(
        description="Exact up to 10,000, null above unless `count=exact`. Null too where a search by the "
        "beginnings of words finds more than 10,000, whatever the filters leave of them."
    )
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")


class Page(Outward, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    meta: Meta


# What breaks a line, changes the direction of what is read, or is no character at all.
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]")
_UNSEEN = " \u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def _one_line(text: str) -> str:
    if _UNREADABLE.search(text) or any(ord(character) & 0xFFFE == 0xFFFE for character in text):
        raise ValueError("control characters are not allowed")
    if text and not text.strip(_UNSEEN):
        raise ValueError("must hold something that can be seen")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]


def _null_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


OrNull = Annotated[Item | None, BeforeValidator(_null_if_empty)]  # an optional text: one that is empty says nothing


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class ProblemError(Outward):
    """One fault of the input."""

    location: Annotated[str, Field(examples=["body.name"])]
    code: str
    message: str


class Problem(Outward):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(examples=["NOT_FOUND"])]
    request_id: str | None
    errors: list[ProblemError]


# What spreadsheets take for the beginning of a formula (OWASP, CSV injection), also in full width and where they take
# another character than we for the delimiter. One apostrophe more before it makes it harmless, whatever was there.
_CELL, _FORMULA = r"(?:\A|(?<=[;\t\r\n]))", r"(?='*[=+\-@＝＋－＠\t\r])"
_HARMFUL, _HARMLESS = re.compile(_CELL + _FORMULA), re.compile(f"{_CELL}'{_FORMULA}")


def harmless(text: str) -> str:
    """Return text that a spreadsheet takes for no formula, and that reading a file makes the same text of again."""
    return _HARMFUL.sub("'", text)


def as_it_was(text: str) -> str:
    """Return text without what `harmless` put before it."""
    return _HARMLESS.sub("", text) if "'" in text else text
