"""Hot lists: declared like any select, run on the driver, written as bytes without an object a row.

A slice declares a `HotList` in its `queries.py` and subclasses `ListParameters` for its filters; the kernel adds the
tenant, the order, the paging and the count.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple, Protocol
from uuid import UUID

import orjson
from pydantic import Field
from sqlalchemy import ColumnElement, Dialect, Select, Table

from holdfast.kernel.db import folded
from holdfast.kernel.engines import Link
from holdfast.kernel.engines.values import OPTIONS, Decoder, parse
from holdfast.kernel.errors import ConfigurationError, Invalid
from holdfast.kernel.lists.cursors import make_cursor, read_cursor
from holdfast.kernel.lists.lookups import Lookup as Lookup
from holdfast.kernel.lists.statements import Count, Paging, Plan, Shape, compile_list, compile_select, declare
from holdfast.kernel.lists.words import (
    COUNTED,
    GATHERED,
    MERGED,
    TENANT,
    Reach,
    Words,
    bounds,
    count_all,
    count_each,
    typed_words,
)
from holdfast.kernel.schemas import Inward

_PLANS = 256
_BATCH = 1000
_VALUES = 50
_WORDS = 6


class ListParameters(Inward):
    """The query parameters of every list; slices add their filters, and what is not declared is refused."""

    q: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$", description="Words to search for.")] = None
    sort: Annotated[str | None, Field(max_length=60, description="Column to sort by, `-` before it: downwards.")] = None
    page: Annotated[int, Field(ge=1, le=100_000, description="Number of the page; not together with `cursor`.")] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=4096, description="`next_cursor` of the page before.")] = None
    count: Annotated[Literal["exact"] | None, Field(description="`exact`: count beyond 10,000 too.")] = None


class ListWork(Protocol):
    """What a list needs of a unit of work."""

    @property
    def link(self) -> Link:
        """Return the connection."""
        ...

    @property
    def tenant_id(self) -> UUID:
        """Return the tenant, the only one whose rows are seen."""
        ...

    @property
    def cursor_key(self) -> bytes:
        """Return the key that seals cursors."""
        ...


class Search(NamedTuple):
    """What is searched for: the words, and how rows are found by them where the list has a table of words.

    The first `merged` words are about as rare.
    """

    words: Sequence[str] = ()
    reach: Reach | None = None
    merged: int = 1


class HotList:
    """One list of a slice.

    `source` is a model or a join of tables, whose first one gives the rows and their `id`. `columns` are what a row
    shows, `sorts` what it can be sorted by, both by name; `default_sort` is a name, with `-` before it for downwards.
    `filters` make a condition of a value: the parameters' field of the same name decides what values there are (a
    list of values for `in_`; True and False come as they are). `search` are columns that hold text as `normalise`
    leaves it, found by any part of it; with `words`, the table of their words, by the beginnings of these. `where` are
    conditions that always hold, not together with `words`. The tenant is not among them: the kernel adds it.
    """

    def __init__(
        self,
        name: str,
        source: Any,
        *,
        columns: Mapping[str, Any],
        sorts: Mapping[str, Any],
        default_sort: str,
        filters: Mapping[str, Callable[[Any], Any]] | None = None,
        search: Sequence[Any] = (),
        words: Words | None = None,
        normalise: Callable[[str], str] = folded,
        where: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        if default_sort.lstrip("-") not in sorts:
            raise ConfigurationError(f"The list {name} sorts by {default_sort}, which is not among its sorts.")
        if words is not None and where:
            raise ConfigurationError(
                f"The list {name} is searched by words, which know nothing of its other conditions."
            )
        self.name = name
        self._parts = declare(
            source, columns=columns, sorts=sorts, filters=filters or {}, search=search, words=words, where=where
        )
        self._names = tuple(columns)
        self._sorts = frozenset(sorts) | frozenset(f"-{sort}" for sort in sorts)
        self._default_sort = default_sort
        self._normalise = normalise
        self._plans: OrderedDict[tuple[Dialect, Shape], Plan] = OrderedDict()
        self._counters: dict[tuple[Dialect, object, int], Plan] = {}

    async def page(self, work: ListWork, params: ListParameters) -> bytes:
        """Return one page as the JSON body `{"data": […], "meta": {page, page_size, total, next_cursor}}`.

        Raises Invalid naming `query.sort`, `query.q` or `query.cursor`.
        """
        plan, rows, meta = await self._run(work, params)
        return orjson.dumps({"data": self._read(plan.decoders, rows), "meta": meta}, option=OPTIONS)

    async def rows(self, work: ListWork, params: ListParameters) -> list[dict[str, Any]]:
        """Return the rows of one page, values as in JSON, for console pages."""
        return (await self.rows_and_meta(work, params))[0]

    async def rows_and_meta(
        self, work: ListWork, params: ListParameters
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the rows of one page and where it stands, for console pages with a pager."""
        plan, rows, meta = await self._run(work, params)
        return self._read(plan.data_decoders, rows), meta

    async def batches(self, work: ListWork, params: Inward) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all rows that the parameters choose, a thousand at a time, for exports.

        The parameters may be filters alone. Ask for a link with `long=True`.
        """
        sort = self._sort(params)
        paging: Paging = "first"
        search = await self._search(work, params)
        values = self._values(work, params, search)
        while True:
            plan = self._plan(work.link.sql_dialect, self._shape(params, search, sort, paging, "none"))
            found = await work.link.fetch(plan.sql, plan.bind({**values, "_limit": _BATCH + 1}))
            rows = found[:_BATCH]
            if rows:
                yield self._read(plan.data_decoders, rows)
            if len(found) <= _BATCH:
                return
            paging = self._continue(values, sort, *_last(plan, rows))

    async def _run(
        self, work: ListWork, params: ListParameters
    ) -> tuple[Plan, Sequence[Sequence[Any]], dict[str, Any]]:
        link, sort, size = work.link, self._sort(params), params.page_size
        search = await self._search(work, params)
        values = self._values(work, params, search)
        values["_limit"] = size + 1
        paging: Paging = "first"
        if params.cursor is not None:
            if "page" in params.model_fields_set:
                raise Invalid.field("query.cursor", "page_and_cursor", "give either page or cursor, not both")
            last = read_cursor(work.cursor_key, work.tenant_id, self.name, sort, params.cursor)
            paging = self._continue(values, sort, *last)
        elif params.page > 1:
            paging, values["_offset"] = "offset", (params.page - 1) * size
        # Words that very many rows have are not counted: that would take longer than the page.
        counted: Count = "none" if search.reach == "probed" else "capped"
        shape = self._shape(params, search, sort, paging, "exact" if params.count == "exact" else counted)
        plan = self._plan(link.sql_dialect, shape)
        found = await link.fetch(plan.sql, plan.bind(values))
        rows = found[:size]
        total = await self._count(link, plan, shape, rows, values)
        more = len(found) > size
        meta = {
            "page": None if params.cursor is not None else params.page,
            "page_size": size,
            "total": total,
            "next_cursor": make_cursor(work.cursor_key, work.tenant_id, self.name, sort, _last(plan, rows))
            if more
            else None,
        }
        return plan, rows, meta

    async def _count(
        self, link: Link, plan: Plan, shape: Shape, rows: Sequence[Sequence[Any]], values: Mapping[str, Any]
    ) -> int | None:
        """Return the total that came with the rows; a page beyond the last has none to bring it."""
        if shape.count == "none":
            return None if rows or shape.paging != "first" else 0
        if rows:
            assert plan.total is not None
            total: int = rows[0][plan.total]
        elif shape.paging == "first":
            total = 0
        else:
            only: Count = "only_exact" if shape.count == "exact" else "only"
            counting = self._plan(link.sql_dialect, replace(shape, paging="first", count=only))
            total = (await link.fetch(counting.sql, counting.bind(values)))[0][0]
        return total if total <= COUNTED or shape.count == "exact" else None

    def _sort(self, params: Inward) -> str:
        sort: str | None = getattr(params, "sort", None)
        if sort is None:
            return self._default_sort
        if sort not in self._sorts:
            names = ", ".join(sorted(self._parts.sorts))
            raise Invalid.field("query.sort", "unknown_sort", f"sort by one of {names}, with - before it for downwards")
        return sort

    def _shape(self, params: Inward, search: Search, sort: str, paging: Paging, count: Count) -> Shape:
        filters: list[tuple[str, bool | int | None]] = []
        for name in self._parts.filters:
            value = getattr(params, name)
            if value is not None:
                form = value if isinstance(value, bool) else len(value) if isinstance(value, list | tuple) else None
                filters.append((name, form))
        reach, words = search.reach, self._parts.words
        if words is not None and reach == "gathered" and sort.lstrip("-") in words.sorts:
            reach = "sorted" if all(name in words.filters for name, _ in filters) else reach
        merged = search.merged if reach == "sorted" else 1
        return Shape(sort, paging, count, len(search.words), tuple(filters), reach, merged)

    def _values(self, work: ListWork, params: Inward, search: Search) -> dict[str, Any]:
        values: dict[str, Any] = {TENANT: work.tenant_id}
        for name in type(params).model_fields:
            value = getattr(params, name)
            if name in _OWN or value is None:
                continue
            if name not in self._parts.filters:
                raise ConfigurationError(f"The list {self.name} has no filter for the parameter {name}.")
            if isinstance(value, list | tuple):
                if len(value) > _VALUES:
                    raise Invalid.field(f"query.{name}", "too_many", f"at most {_VALUES} values")
                values.update({f"f_{name}_{index}": item for index, item in enumerate(value)})
            else:
                values[f"f_{name}"] = value
        if search.reach is not None:
            return values | bounds(search.words)
        for index, word in enumerate(search.words):
            escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
            values[f"_q{index}"] = f"%{escaped}%"
        return values

    async def _search(self, work: ListWork, params: Inward) -> Search:
        """Return the words that a row must hold, in whatever order and columns; the last is all that is left over.

        With a table of words, return them with the rarest first, and how rows are found by them.
        """
        text = self._normalise(getattr(params, "q", None) or "")
        if self._parts.words is None:
            words = text.split(maxsplit=_WORDS - 1)
            if words and not self._parts.search:
                raise Invalid.field("query.q", "no_search", "this list cannot be searched")
            return Search(words)
        words = typed_words(text)
        if not words:
            return Search()
        found = (await self._counts(work, count_each, words))[0]
        counts = dict(zip(words, found, strict=True))
        words.sort(key=lambda word: (counts[word], -len(word)))
        if counts[words[0]] > COUNTED:
            # Each word is frequent; all of them together may be rare.
            gathered, rows = (await self._counts(work, count_all, words))[0]
            if gathered > GATHERED or rows > COUNTED:
                return Search(words, "probed")
            return Search(words, "gathered")
        merged = sum(counts[word] <= min(MERGED * counts[words[0]], COUNTED) for word in words)
        return Search(words, "gathered", merged)

    async def _counts(
        self, work: ListWork, counting: Callable[[Table, int], Select[Any]], words: Sequence[str]
    ) -> list[Sequence[Any]]:
        assert self._parts.words is not None
        dialect = work.link.sql_dialect
        key = (dialect, counting, len(words))
        plan = self._counters.get(key)
        if plan is None:
            plan = self._counters[key] = compile_select(counting(self._parts.words.table, len(words)), dialect)
        return await work.link.fetch(plan.sql, plan.bind({TENANT: work.tenant_id, **bounds(words)}))

    def _continue(self, values: dict[str, Any], sort: str, key: Any, row_id: str) -> Paging:
        """Set the values that lead to the rows after the one with this key and id."""
        values["_id"] = UUID(row_id)
        if key is None:
            return "after_null"
        values["_key"] = parse(self._parts.sorts[sort.lstrip("-")].type, key)
        return "after"

    def _plan(self, dialect: Dialect, shape: Shape) -> Plan:
        """Return the compiled statement; the most recent ones are kept."""
        key = (dialect, shape)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = compile_list(self._parts, shape, dialect)
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan

    def _read(self, decoders: Sequence[Decoder | None], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return the rows as JSON values; column by column, so that most of it runs in C."""
        columns = [
            column if decode is None else [None if value is None else decode(value) for value in column]
            for decode, column in zip(decoders, zip(*rows, strict=True), strict=False)
        ]
        names = self._names
        return [dict(zip(names, row)) for row in zip(*columns, strict=True)]  # noqa: B905  strict takes as long again


_OWN = frozenset(ListParameters.model_fields)


def _last(plan: Plan, rows: Sequence[Sequence[Any]]) -> tuple[Any, str]:
    """Return the sort column's value and the id of the last row, as JSON values."""
    (key_at, decode_key), (id_at, decode_id) = plan.key, plan.id
    key, row_id = rows[-1][key_at], rows[-1][id_at]
    if key is not None and decode_key is not None:
        key = decode_key(key)
    return key, row_id if decode_id is None else decode_id(row_id)
