"""Exporting people as a file that spreadsheets open without running anything, and that the import reads again."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Protocol, cast

from holdfast.core.directory import queries
from holdfast.core.directory.schemas.files import FileFormat
from holdfast.core.directory.service.people_files import COLUMNS, DATES
from holdfast.core.directory.service.scopes import units_of
from holdfast.core.directory.service.sheets import MOST_ROWS, SheetWriter
from holdfast.kernel.errors import Invalid
from holdfast.kernel.permissions import verb
from holdfast.kernel.schemas import harmless
from holdfast.kernel.work import Work

IN_MEMORY = 1024 * 1024  # bytes; beyond them a file stands in the folder for temporary ones
Rows = Sequence[Sequence[str | None]]


class _Writer(Protocol):
    """What writes rows, a few at a time, into a file."""

    def add(self, rows: Rows) -> None: ...

    def save(self, target: BinaryIO) -> None: ...


@verb("directory.person.export", sensitive=True, scoped=True, cost=10)
async def export_people(
    work: Work,
    params: queries.PeopleExport,
    *,
    file_format: FileFormat = FileFormat.CSV,
    columns: Sequence[str] = (),
) -> BinaryIO:
    """Return the people as a file to read and close; CSV (RFC 4180) is UTF-8 with a byte order mark.

    `columns` are the columns in their order, all that the import takes where there are none. What a spreadsheet would
    take for a formula begins with an apostrophe, which the import drops again. Raises Invalid naming `query.columns`,
    `query.sort` or `query.format`. Memory does not grow with the number of people.
    """
    chosen = list(columns or COLUMNS)
    for column in chosen:
        if column not in COLUMNS or chosen.count(column) > 1:
            raise Invalid.field("query.columns", "unknown_column", f"each once of {', '.join(COLUMNS)}")
    target = cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  the caller closes it
    writer: _Writer = _Csv(target, chosen) if file_format is FileFormat.CSV else _Sheet(chosen)
    try:
        asked = queries.PeopleExported(**params.given(), within=units_of(work, "directory.person.export"))
        async for batch in queries.PEOPLE_EXPORT.batches(work, asked):
            await asyncio.to_thread(writer.add, [_texts(row, chosen) for row in batch])
        await asyncio.to_thread(writer.save, target)
    except BaseException:
        with suppress(Exception):  # it removes the file that the writer keeps
            writer.save(io.BytesIO())
        target.close()
        raise
    target.seek(0)
    return target


def _texts(row: Mapping[str, Any], columns: Sequence[str]) -> list[str | None]:
    return [None if row[column] is None else harmless(row[column]) for column in columns]


class _Csv:
    def __init__(self, target: BinaryIO, columns: Sequence[str]) -> None:
        self._target = target
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, quoting=csv.QUOTE_ALL)
        self._writer.writerow(columns)
        target.write(b"\xef\xbb\xbf")

    def add(self, rows: Rows) -> None:
        self._writer.writerows(rows)
        self._target.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def save(self, target: BinaryIO) -> None:
        if target is self._target:
            self.add(())


class _Sheet:
    def __init__(self, columns: Sequence[str]) -> None:
        self._writer = SheetWriter(columns)
        self._count = 0
        self._dates = [column in DATES for column in columns]

    def add(self, rows: Rows) -> None:
        self._count += len(rows)
        if self._count >= MOST_ROWS:
            raise Invalid.field("query.format", "too_many_rows", f"a sheet has at most {MOST_ROWS} rows: use csv")
        self._writer.add(
            [
                date.fromisoformat(text) if text is not None and is_date else text
                for text, is_date in zip(row, self._dates, strict=True)
            ]
            for row in rows
        )

    def save(self, target: BinaryIO) -> None:
        self._writer.save(target)
