"""Search by the beginnings of words, through a table that holds the words of each row.

A search for a text anywhere in a column reads all rows of a tenant; the beginning of a word is a range of an index.
Whoever writes a row writes its `words_of` too.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Table,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from holdfast.kernel.errors import Invalid

TENANT = "_tenant"
COUNTED = 10_000
GATHERED = 2 * COUNTED
LENGTH = 64
TYPED = 12
MERGED = 8  # up to so many times as frequent as the rarest word
LAST = "\U0010ffff"
_RUN = re.compile(r"[^\W_]+")
# How rows are found by words. `sorted`: the page is chosen in the table of words, where that keeps what rows are sorted
# and filtered by. `gathered`: the rows whose words they are are looked up; fast while these are few. `probed`: each row
# in its order is asked whether it has the words; fast where many have them and a page is soon full. All are written so
# that the plan is right whatever the words: a prepared statement is planned for no word in particular.
Reach = Literal["sorted", "gathered", "probed"]


@dataclass(frozen=True, slots=True)
class Words:
    """The table of words of a list's rows, and what it keeps of the rows besides, by the names of sorts and filters.

    The table has `tenant_id`, `id` (the row's) and `word` (of LENGTH) for its key, and an index of tenant, word, id and
    all that it keeps. Sorts are columns that are never null.
    """

    table: Table
    sorts: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def words_of(texts: Iterable[str | None]) -> list[str]:
    """Return what folded texts are found by, in order: each of their words, whole and from each part of it on.

    Parts are what signs divide: `smith-jones` is found by `smith-j` and by `jones`. What begins another of the words is
    left out: `smith` is, beside `smith-jones`, which is found wherever it would be.
    """
    found: set[str] = set()
    for text in texts:
        for word in (text or "").split():
            found.add(word[:LENGTH])
            found.update(word[run.start() :][:LENGTH] for run in _RUN.finditer(word))
    return _longest(found)


def typed_words(folded_text: str) -> list[str]:
    """Return the words that are searched for, each to be the beginning of one of a row's words.

    Raises Invalid naming `query.q` for more than a statement takes.
    """
    words = _longest({word[:LENGTH] for word in folded_text.split()})
    if len(words) > TYPED:
        raise Invalid.field("query.q", "too_many_words", f"search for at most {TYPED} words")
    return words


def bounds(words: Sequence[str]) -> dict[str, str]:
    """Return the values of the statements below: the range of each word."""
    values: dict[str, str] = {}
    for index, word in enumerate(words):
        values |= {f"_q{index}": word, f"_q{index}_end": word + LAST}
    return values


def count_each(table: Table, count: int) -> Select[Any]:
    """Return the statement that counts the rows of each of so many words, to a bound."""
    return select(
        *(
            _bounded(select(literal_column("1").label("one")).where(*_range(words, index))).label(f"rows{index}")
            for index in range(count)
            for words in [table.alias(f"word{index}")]
        )
    )


def count_all(table: Table, count: int) -> Select[Any]:
    """Return the statement that counts the words that `found` gives, and their rows, to a bound."""
    words = found(table, count).limit(literal_column(str(GATHERED + 1), Integer)).subquery()
    rows = select(words.c.id, func.count().label("words")).group_by(words.c.id).subquery()
    return select(func.coalesce(func.sum(rows.c.words), 0), func.count()).select_from(rows)


def found(
    table: Table, count: int, merged: int = 1, kept: Sequence[Any] = (), where: Sequence[Any] = ()
) -> Select[Any]:
    """Return the ids of the rows that have each of so many words, the rarest of which is the first, and what is kept.

    An id may come more than once. The first `merged` words are about as rare: their ranges are read and laid over each
    other, which for so many rows takes a tenth of the time of looking up each; the other words are looked up.
    """
    shown = (table.c.id, *kept)
    if merged == 1:
        return select(*shown).where(*_range(table, 0), *where, *each_word(table, table.c.id, range(1, count)))
    numbers = [literal_column(str(index), Integer) for index in range(merged)]
    ranges = [
        select(*shown, number.label("word")).where(*_range(table, index), *where)
        for index, number in enumerate(numbers)
    ]
    rows = union_all(*ranges).subquery()
    columns = [column for column in rows.c if column.name != "word"]
    each = [func.count(case((rows.c.word == number, number))) > literal_column("0") for number in numbers]
    others = each_word(table, rows.c.id, range(merged, count))
    return select(*columns).group_by(*columns).having(and_(*each, *others))


def each_word(table: Table, row_id: ColumnElement[Any], indexes: range) -> list[ColumnElement[bool]]:
    """Return the conditions for a row that has each of these words.

    A value and not EXISTS, of which a planner may make a join that reads all words: it is looked up row by row. By the
    row's id alone: the words of one are few, those that begin alike may be many more than a planner takes them for.
    """
    return [
        select(literal_column("1"))
        .where(words.c.id == row_id, *_range(words, index, words.c.word.concat(literal_column("''"))))
        .limit(literal_column("1", Integer))
        .correlate_except(words)
        .scalar_subquery()
        .is_not(None)
        for index in indexes
        for words in [table.alias(f"word{index}")]
    ]


def among(row_id: ColumnElement[Any], ids: Select[Any], dialect: Dialect) -> ColumnElement[bool]:
    """Return the condition for the rows that a statement gives the ids of, looked up by their keys."""
    if dialect.name == "postgresql":
        # Of a sub-select the planner believes that it gives a fixed part of the table, and would read all rows to join
        # them; an array it takes for a few keys, which it is.
        return row_id == any_(func.array(ids.scalar_subquery(), type_=ARRAY(row_id.type)))
    return row_id.in_(select(ids.subquery("found").c.id))  # MariaDB takes a LIMIT there only within a FROM


def _range(words: Any, index: int, word: Any = None) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for words that begin as the one of this number; `word` is what no index holds of it."""
    kind, word = words.c.word.type, words.c.word if word is None else word
    return (
        words.c.tenant_id == bindparam(TENANT, type_=words.c.tenant_id.type),
        word >= bindparam(f"_q{index}", type_=kind),
        word < bindparam(f"_q{index}_end", type_=kind),
    )


def _bounded(rows: Select[Any]) -> Any:
    within = rows.limit(literal_column(str(COUNTED + 1), Integer)).subquery()
    return select(func.count()).select_from(within).scalar_subquery()


def _longest(words: set[str]) -> list[str]:
    """Return the words in order, without those that begin another."""
    ordered = sorted(words)
    return [word for word, following in pairwise([*ordered, ""]) if not following.startswith(word)]
