"""Lookups: one row by a select that is declared once, run on the driver, for what stands before many requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Dialect, select

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.lists.statements import Plan, compile_select, declare
from holdfast.kernel.lists.words import TENANT

R = TypeVar("R", bound=NamedTuple)


@dataclass(frozen=True, slots=True)
class _Compiled:
    plan: Plan
    readers: Sequence[Callable[[Any], Any] | None]


class Lookup(Generic[R]):
    """One row of a slice's tables, read into a named tuple.

    `source` and `where` are those of a `HotList`; a join may also read an installation-owned table on its right.
    `columns` give the fields of `row` by name; what varies is a `bindparam`. The tenant is added by the kernel.
    With `lock` the row is locked for a change; name no join then.
    Raises ConfigurationError where names and fields differ.
    """

    def __init__(
        self,
        row: type[R],
        source: Any,
        *,
        columns: Mapping[str, Any],
        where: Sequence[ColumnElement[bool]],
        lock: bool = False,
    ) -> None:
        if tuple(columns) != row._fields:
            raise ConfigurationError(f"{row.__name__} has the fields {row._fields}, not {tuple(columns)}.")
        self._row = row
        self._parts = declare(source, columns=columns, sorts={}, filters={}, search=(), where=where, words=None)
        self._lock = lock
        self._compiled: dict[Dialect, _Compiled] = {}

    async def find(self, work: Any, **values: object) -> R | None:
        """Return the row for these values, as Python values; None where there is none."""
        compiled = self._for(work.link.sql_dialect)
        found = await work.link.fetch(compiled.plan.sql, compiled.plan.bind({TENANT: work.tenant_id, **values}))
        if not found:
            return None
        read = (
            value if reader is None or value is None else reader(value)
            for reader, value in zip(compiled.readers, found[0], strict=True)
        )
        return self._row(*read)

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect)
        if compiled is None:
            parts = self._parts
            shown = [column.label(name) for name, column in parts.columns.items()]
            statement = select(*shown).select_from(parts.source).where(*parts.where)
            if self._lock:
                statement = statement.with_for_update()
            readers = [
                column.type.dialect_impl(dialect).result_processor(dialect, None) for column in parts.columns.values()
            ]
            compiled = self._compiled[dialect] = _Compiled(compile_select(statement, dialect), readers)
        return compiled
