"""The statements of a list, one a shape: built from the declaration, kept to the tenant, compiled once a dialect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    Alias,
    ColumnElement,
    Dialect,
    FromClause,
    Integer,
    Join,
    Select,
    Table,
    UpdateBase,
    and_,
    bindparam,
    case,
    func,
    inspect,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import _deep_deannotate  # what SQLAlchemy itself uses to make Core of ORM expressions

from holdfast.kernel.engines.values import Decoder, data_decoder, decoder
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.lists.words import COUNTED, GATHERED, TENANT, Reach, Words, among, each_word, found
from holdfast.kernel.tenancy import INSTALLATION_TABLES

Paging = Literal["first", "offset", "after", "after_null"]
Count = Literal["capped", "exact", "none", "only", "only_exact"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a list's declaration one request uses; requests of one shape share a statement.

    `search` is the number of words, `reach` how they are found where the list has a table of words, `merged` how many
    of them are about as rare. `filters` holds a name and, for a yes/no filter, its value, for one with several values,
    their number.
    """

    sort: str
    paging: Paging
    count: Count
    search: int
    filters: tuple[tuple[str, bool | int | None], ...]
    reach: Reach | None = None
    merged: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled statement: driver SQL, what fills its placeholders in order, and how its rows are read."""

    sql: str
    slots: tuple[tuple[str | None, Callable[[Any], Any] | None, Any], ...]
    decoders: tuple[Decoder | None, ...]
    data_decoders: tuple[Decoder | None, ...]
    key: tuple[int, Decoder | None]
    id: tuple[int, Decoder | None]
    total: int | None

    def bind(self, values: Mapping[str, Any]) -> list[object]:
        """Return the driver's parameters; `values` are Python values by name."""
        return [
            constant if name is None else values[name] if process is None else process(values[name])
            for name, process, constant in self.slots
        ]


@dataclass(frozen=True, slots=True)
class Declaration:
    """A list's parts as Core expressions; made once by `declare`."""

    source: FromClause
    id: ColumnElement[UUID]
    columns: Mapping[str, ColumnElement[Any]]
    sorts: Mapping[str, ColumnElement[Any]]
    nullable: frozenset[str]
    filters: Mapping[str, Callable[[Any], Any]]
    search: tuple[ColumnElement[Any], ...]
    words: Words | None
    where: tuple[ColumnElement[bool], ...]


def declare(
    source: Any,
    *,
    columns: Mapping[str, Any],
    sorts: Mapping[str, Any],
    filters: Mapping[str, Callable[[Any], Any]],
    search: Sequence[Any],
    words: Words | None,
    where: Sequence[Any],
) -> Declaration:
    """Return the declaration with the tenant's predicate on every table that it reads, also inside sub-selects.

    Raises ConfigurationError for a table without `tenant_id`, or a form of FROM in which that cannot be made certain.
    """
    inspected = inspect(source, raiseerr=False)
    plain: Any = core(inspected.selectable if inspected is not None and hasattr(inspected, "selectable") else source)
    root = _root(plain)
    guarded, predicates = _guard_source(plain)
    made = {name: core(column) for name, column in sorts.items()}
    return Declaration(
        source=guarded,
        id=root.c.id,
        columns={name: core(column) for name, column in columns.items()},
        sorts=made,
        nullable=frozenset(name for name, column in made.items() if _may_be_null(column, plain)),
        filters=filters,
        search=tuple(core(column) for column in search),
        words=words and replace(words, sorts={name: core(column) for name, column in words.sorts.items()}),
        where=(*predicates, *(core(predicate) for predicate in where)),
    )


def core(expression: Any) -> Any:
    """Return an ORM expression as Core, its sub-selects kept to the tenant."""
    element = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    return visitors.cloned_traverse(_deep_deannotate(element), {}, {"select": _guard_select})


def compile_list(declaration: Declaration, shape: Shape, dialect: Dialect) -> Plan:
    """Return the plan of a shape."""
    chosen = _chosen(declaration, shape) if shape.reach == "sorted" else None
    if shape.count in ("only", "only_exact"):
        return compile_select(select(_total(declaration, shape, dialect, chosen)), dialect)
    outputs = list(declaration.columns.values())
    key = declaration.sorts[shape.sort.lstrip("-")]
    shown = [column.label(name) for name, column in declaration.columns.items()]
    key_at, id_at = _position(outputs, shown, key, "_key"), _position(outputs, shown, declaration.id, "_id")
    total_at = None
    if shape.count != "none":
        total_at = len(shown)
        # What was gathered is read as a whole anyhow: counted on the way, unless a cursor leaves some of it out.
        on_the_way = shape.reach == "gathered" and shape.paging in ("first", "offset")
        total = func.count().over() if on_the_way else _total(declaration, shape, dialect, chosen)
        shown.append(total.label("_total"))
    order = _Order(key, declaration.id, nullable=shape.sort.lstrip("-") in declaration.nullable)
    statement = select(*shown).select_from(declaration.source)
    if chosen is not None:
        # The page is chosen among the words; of the rows themselves only those on it are read.
        page = _page(select(chosen.c.id), _Order(chosen.c.key, chosen.c.id, nullable=False), shape)
        statement = statement.where(*_conditions(declaration, shape, None, dialect))
        statement = statement.where(among(declaration.id, page, dialect)).order_by(*order.by(shape))
    else:
        statement = _page(statement.where(*_conditions(declaration, shape, shape.reach, dialect)), order, shape)
    if statement.get_final_froms() != [declaration.source]:
        raise ConfigurationError(f"A list reads a table that its source does not join: {statement}")
    types = tuple(column.type for column in outputs)
    return compile_select(
        statement,
        dialect,
        outputs=types,
        key_at=key_at,
        id_at=id_at,
        total_at=total_at,
        key=key,
        row_id=declaration.id,
    )


def _position(outputs: list[ColumnElement[Any]], shown: list[Any], column: ColumnElement[Any], label: str) -> int:
    """Return where the column stands among the shown ones, after adding it where it does not."""
    for index, output in enumerate(outputs):
        if output is column:
            return index
    shown.append(column.label(label))
    return len(shown) - 1


def compile_select(
    statement: Select[Any] | UpdateBase,
    dialect: Dialect,
    *,
    outputs: tuple[Any, ...] = (),
    key_at: int = 0,
    id_at: int = 0,
    total_at: int | None = 0,
    key: ColumnElement[Any] | None = None,
    row_id: ColumnElement[Any] | None = None,
) -> Plan:
    """Return the plan of a statement whose parts are kept to the tenant."""
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    constants = compiled.construct_params(_check=False)
    slots: list[tuple[str | None, Callable[[Any], Any] | None, Any]] = []
    for name in compiled.positiontup or ():
        bind = compiled.binds[name]
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.required:
            slots.append((name, process, None))
        else:
            value = constants[name]
            slots.append((None, None, value if process is None else process(value)))
    return Plan(
        sql=str(compiled),
        slots=tuple(slots),
        decoders=tuple(decoder(kind, dialect) for kind in outputs),
        data_decoders=tuple(data_decoder(kind, dialect) for kind in outputs),
        key=(key_at, None if key is None else data_decoder(key.type, dialect)),
        id=(id_at, None if row_id is None else data_decoder(row_id.type, dialect)),
        total=total_at,
    )


def _conditions(
    declaration: Declaration, shape: Shape, reach: Reach | None, dialect: Dialect
) -> list[ColumnElement[bool]]:
    conditions = list(declaration.where)
    for name, form in shape.filters:
        conditions.append(core(declaration.filters[name](_value(name, form))))
    if declaration.words is not None:
        table, count = declaration.words.table, shape.search
        if reach == "probed":
            conditions += each_word(table, declaration.id, range(count))
        elif reach is not None:
            conditions.append(among(declaration.id, found(table, count), dialect))
        return conditions
    for index in range(shape.search):
        pattern = bindparam(f"_q{index}", type_=declaration.search[0].type)
        conditions.append(or_(*(column.like(pattern, escape="/") for column in declaration.search)))
    return conditions


def _value(name: str, form: bool | int | None) -> Any:
    """Return what a filter is given: the value itself of yes or no, else what stands for it."""
    if isinstance(form, bool):
        return form
    return bindparam(f"f_{name}") if form is None else [bindparam(f"f_{name}_{index}") for index in range(form)]


def _total(declaration: Declaration, shape: Shape, dialect: Dialect, chosen: CTE | None) -> Any:
    if chosen is not None:
        return select(func.count()).select_from(chosen).scalar_subquery()
    conditions = _conditions(declaration, shape, shape.reach and "gathered", dialect)
    rows: Select[Any] = select(literal_column("1").label("one")).select_from(declaration.source).where(*conditions)
    if shape.count in ("capped", "only"):
        rows = rows.limit(literal_column(str(COUNTED + 1), Integer))
    return select(func.count()).select_from(rows.subquery("counted")).scalar_subquery()


def _chosen(declaration: Declaration, shape: Shape) -> CTE:
    """Return id and key of the rows that words and filters choose, by what the table of words keeps of the rows."""
    assert declaration.words is not None
    table, key = declaration.words.table, declaration.words.sorts[shape.sort.lstrip("-")]
    values = [core(declaration.words.filters[name](_value(name, form))) for name, form in shape.filters]
    rows = found(table, shape.search, shape.merged, [key.label("key")], values)
    # With a limit, beyond what there is: without, much memory is laid out for the part of the table that it might be.
    some = rows.limit(literal_column(str(2 * GATHERED), Integer)).subquery()
    return select(some.c.id, some.c.key).distinct().cte("chosen")


class _Order(NamedTuple):
    """The columns that rows are sorted by: one and, where it ties, the id."""

    column: ColumnElement[Any]
    id: ColumnElement[UUID]
    nullable: bool

    def by(self, shape: Shape) -> list[ColumnElement[Any]]:
        """Return what to order by; rows without a value come last in both directions."""
        columns = [self.column] if self.column is self.id else [self.column, self.id]
        order: list[ColumnElement[Any]] = [
            column.desc() if shape.sort.startswith("-") else column.asc() for column in columns
        ]
        if self.nullable:
            order.insert(0, case((self.column.is_(None), 1), else_=0).asc())
        return order


def _page(rows: Select[Any], order: _Order, shape: Shape) -> Select[Any]:
    if shape.paging in ("after", "after_null"):
        rows = rows.where(_after(order, shape))
    rows = rows.order_by(*order.by(shape)).limit(bindparam("_limit", type_=Integer))
    return rows.offset(bindparam("_offset", type_=Integer)) if shape.paging == "offset" else rows


def _after(order: _Order, shape: Shape) -> ColumnElement[bool]:
    """Return the condition for the rows after the cursor's."""
    column, row_id, nullable = order
    value, last = bindparam("_key", type_=column.type), bindparam("_id", type_=row_id.type)
    descending = shape.sort.startswith("-")
    beyond_id = row_id < last if descending else row_id > last
    if column is row_id:
        return beyond_id
    if shape.paging == "after_null":
        return and_(column.is_(None), beyond_id)
    # The first half alone bounds an index scan on every database; a comparison of pairs does so on PostgreSQL only.
    if descending:
        rows = and_(column <= value, or_(column < value, beyond_id))
    else:
        rows = and_(column >= value, or_(column > value, beyond_id))
    return or_(rows, column.is_(None)) if nullable else rows


def _root(source: FromClause) -> FromClause:
    while isinstance(source, Join):
        source = source.left
    return source


def _guard_source(source: FromClause) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """Return the FROM and the conditions that keep it to the tenant; an outer join's other side has its own in ON."""
    if isinstance(source, Join):
        if source.full:
            raise ConfigurationError("A list cannot read a full outer join: nothing keeps it to one tenant.")
        left, conditions = _guard_source(source.left)
        right, others = source.right, list[ColumnElement[bool]]()
        if not (isinstance(right, Table) and right.name in INSTALLATION_TABLES):
            right, others = _guard_source(right)
        assert source.onclause is not None
        if source.isouter:
            return Join(left, right, and_(source.onclause, *others), isouter=True), conditions
        return Join(left, right, source.onclause), conditions + others
    if isinstance(source, Table | Alias | CTE) and "tenant_id" in source.c:
        return source, [_own(source)]
    raise ConfigurationError(f"A list reads {source}, which is no table with tenant_id.")


def _guard_select(statement: Select[Any]) -> None:
    for source in statement.get_final_froms():
        guarded, conditions = _guard_source(source)
        if isinstance(source, Join) and not guarded.compare(source):
            raise ConfigurationError("A sub-select of a list cannot read an outer join.")
        for condition in conditions:
            cast("Any", statement.where).non_generative(statement, condition)


def _own(source: FromClause) -> ColumnElement[bool]:
    column = source.c.tenant_id
    return column == bindparam(TENANT, type_=column.type)


def _may_be_null(column: ColumnElement[Any], source: FromClause) -> bool:
    """Tell whether a sort column may be without a value: one that says so, an expression, or an outer join's."""
    while isinstance(source, Join) and getattr(column, "table", None) is not source.right:
        source = source.left
    return bool(getattr(column, "nullable", True)) or (isinstance(source, Join) and source.isouter)
