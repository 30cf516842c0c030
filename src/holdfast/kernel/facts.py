"""What can happen, and what it changed: facts, and the capture of every changed row from the ORM's own history."""

import enum
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper, UOWTransaction

from holdfast.kernel.clock import rfc3339
from holdfast.kernel.db import Base, Json, TenantOwned
from holdfast.kernel.ids import parse_id
from holdfast.kernel.tenancy import TenantSession

Category = Literal["data", "access", "security", "system"]
Severity = Literal["info", "notice", "warning", "critical"]
Outcome = Literal["success", "refused", "failed"]
Values = dict[str, Json]

FACTS: dict[str, type["Fact"]] = {}


class CoverageError(RuntimeError):
    """A row changed and no recorded fact says so; always a defect."""


class Row(Protocol):
    """A row that a fact may be about."""

    @property
    def id(self) -> UUID:
        """Return its id."""
        ...


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened, in the past tense: at once audit action, event, webhook type and stream type.

    `entity` is the row that it is about; its before and after are taken from the session, not from the fact. Fields
    that a subclass adds become the entry's detail; `labels` says what pages call them, where the name does not.
    """

    action: ClassVar[str] = ""
    title: ClassVar[str] = ""
    category: ClassVar[Category] = "data"
    severity: ClassVar[Severity] = "info"
    outcome: ClassVar[Outcome] = "success"
    labels: ClassVar[Mapping[str, str]] = {}

    entity: "Row | None" = None
    reason: str | None = None
    occurred_at: datetime | None = None

    def __init_subclass__(cls) -> None:
        """Register the fact under its action; two with one action are a defect."""
        super().__init_subclass__()
        known = FACTS.setdefault(cls.action, cls)
        if known.__qualname__ != cls.__qualname__ or not cls.action or not cls.title:
            raise TypeError(f"{cls.__qualname__} needs a title and an action of its own, not {cls.action!r}")

    def detail(self) -> Values:
        """Return the fields that the subclass added."""
        own = (field.name for field in fields(self) if field.name not in _BASE_FIELDS)
        return {name: plain(getattr(self, name)) for name in own}

    def swept(self) -> Mapping[str, int]:
        """Return how many rows were removed past the session (`Work.sweep`), by table: the commit asks for it."""
        return {}


_BASE_FIELDS = frozenset({"entity", "reason", "occurred_at"})


@dataclass(frozen=True, slots=True)
class Record:
    """What is written of one fact: the facts of the entry, before it gets an id, a place and a hash."""

    action: str
    category: str
    severity: str
    outcome: str
    entity_type: str | None = None
    entity_id: UUID | None = None
    entity_version: int | None = None
    before: Values | None = None
    after: Values | None = None
    detail: Values | None = None
    reason: str | None = None
    occurred_at: datetime | None = None


@cache
def _named_by(parameter: str) -> str | None:
    for mapper in Base.registry.mappers:
        named = mapper.class_.__parameter__ or f"{mapper.class_.__tablename__}_id"
        if named == parameter:
            return str(mapper.class_.__tablename__)
    return None


def named_entity(path_params: Mapping[str, object]) -> tuple[str | None, UUID | None]:
    """Return the kind and id of the record that a path names last, whether it exists or not."""
    for parameter, value in reversed(tuple(path_params.items())):
        kind = _named_by(parameter)
        if kind is not None:
            return kind, parse_id(str(value))
    return None, None


@dataclass(slots=True)
class Change:
    """The difference one unit of work made to one row; None before a creation and after a deletion."""

    before: Values | None
    after: Values | None

    def merged(self, later: "Change") -> "Change":
        """Return the change from before this one to after the later one."""
        if self.before is None:
            after = None if later.after is None else {**(self.after or {}), **later.after}
            return Change(None, after)
        if later.after is None:
            return Change({**(later.before or {}), **self.before}, None)
        return Change({**(later.before or {}), **self.before}, {**(self.after or {}), **later.after})


_PLAIN: dict[type, Callable[[Any], Json]] = {
    datetime: rfc3339,
    date: date.isoformat,
    UUID: str,
    Decimal: str,
    bytes: bytes.hex,
}


def plain(value: Any) -> Json:
    """Return a value as JSON data: ids and moments as text, bytes as hexadecimal; TypeError for what has no form."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    for kind, write in _PLAIN.items():
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} has no form in the trail")


class Changes:
    """The changed rows of one unit of work, and which of them a recorded fact covers."""

    def __init__(self) -> None:
        self._found: dict[TenantOwned, Change] = {}
        self.swept: Counter[str] = Counter()

    def capture(self, session: TenantSession) -> None:
        """Read the differences of a flush while the session still knows them."""
        for row in session.new:
            if _is_audited(row):
                self._add(row, Change(None, dict(_values(row))))
        for row in session.dirty:
            if _is_audited(row):
                before, after = _difference(row)
                if after:
                    self._add(row, Change(before, after))
        for row in session.deleted:
            if _is_audited(row):
                self._add(row, Change(dict(_values(row)), None))

    def _add(self, row: TenantOwned, change: Change) -> None:
        known = self._found.get(row)
        self._found[row] = change if known is None else known.merged(change)

    def clear(self) -> None:
        """Forget the rows, whose entries are written."""
        self._found.clear()
        self.swept.clear()

    def records(self, facts: list[Fact]) -> list[Record]:
        """Return one record a fact; raise CoverageError where a changed row has none, or one that was swept."""
        if not (facts or self._found or self.swept):
            return []
        left: dict[Row, Change] = dict(self._found.items())
        made = [_record(fact, left.pop(fact.entity, None) if fact.entity is not None else None) for fact in facts]
        uncovered = [row for row, change in left.items() if change.before or change.after]
        if uncovered:
            names = ", ".join(sorted({type(row).__name__ for row in uncovered}))
            raise CoverageError(f"changed without a recorded fact: {names}")
        untold = self.swept - sum((Counter(fact.swept()) for fact in facts), Counter[str]())
        if untold:
            raise CoverageError(f"swept without a recorded fact: {dict(untold)}")
        return made


def _record(fact: Fact, change: Change | None) -> Record:
    row = fact.entity
    return Record(
        action=fact.action,
        category=fact.category,
        severity=fact.severity,
        outcome=fact.outcome,
        entity_type=None if row is None else inspect(type(row)).local_table.name,
        entity_id=None if row is None else row.id,
        entity_version=getattr(row, "version", None),
        before=change.before if change else None,
        after=change.after if change else None,
        detail=fact.detail() or None,
        reason=fact.reason,
        occurred_at=fact.occurred_at,
    )


@event.listens_for(TenantSession, "after_flush")
def _capture(session: TenantSession, _context: UOWTransaction) -> None:
    session.info["changes"].capture(session)


def _is_audited(row: object) -> bool:
    return isinstance(row, TenantOwned) and isinstance(row, Base) and row.__audited__


@cache
def _recorded(mapper: Mapper[Any]) -> tuple[tuple[str, str | None], ...]:
    """Return attribute name and mode of each column that may stand in an entry."""
    return tuple(
        (attribute.key, attribute.columns[0].info.get("audit"))
        for attribute in mapper.column_attrs
        if attribute.key != "tenant_id" and attribute.columns[0].info.get("audit") != "omit"
    )


def _values(row: TenantOwned) -> Iterator[tuple[str, Json]]:
    for name, mode in _recorded(inspect(row).mapper):
        value = getattr(row, name)
        if value is not None and mode is None:
            yield name, plain(value)


def _difference(row: TenantOwned) -> tuple[Values, Values]:
    before: Values = {}
    after: Values = {}
    state = inspect(row)
    for name, mode in _recorded(state.mapper):
        history = state.attrs[name].history
        if not history.has_changes() or mode == "untracked":
            continue
        if not history.deleted:
            raise CoverageError(f"{type(row).__name__}.{name} was set before it was loaded: its old value is unknown")
        if mode == "secret":
            before[name], after[name] = "(secret)", "(changed)"
        else:
            before[name], after[name] = plain(history.deleted[0]), plain(history.added[0])
    return before, after
