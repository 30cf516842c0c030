"""The trail as a file, for who reads it elsewhere."""

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from uuid import UUID

import orjson

from holdfast.core.audit import queries
from holdfast.core.audit.schemas import EntryOut, ExportFormat
from holdfast.core.audit.service.reading import entries_of
from holdfast.kernel.db import canonical
from holdfast.kernel.permissions import verb
from holdfast.kernel.schemas import harmless
from holdfast.kernel.work import Work

IN_MEMORY = 1024 * 1024  # bytes; beyond them a file stands in the folder for temporary ones
COLUMNS = tuple(EntryOut.model_fields)


@verb("audit.entry.export", sensitive=True, step_up=True, cost=10)
async def export_entries(work: Work, params: queries.EntryExport, *, file_format: ExportFormat) -> BinaryIO:
    """Return the entries that the filters choose as a file to read and close, newest first.

    JSON Lines has an entry in each line, as `read_entry` shows it. CSV (RFC 4180) is UTF-8 with a byte order mark, what
    an entry says of the change is JSON in its cell, and what a spreadsheet would take for a formula begins with an
    apostrophe. Memory does not grow with the number of entries.
    """
    target = cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  the caller closes it
    write = _lines if file_format is ExportFormat.JSONL else _cells
    try:
        if file_format is ExportFormat.CSV:
            target.write(b"\xef\xbb\xbf" + _rows([COLUMNS]))
        async for batch in queries.ENTRIES.batches(work, params):
            entries = await entries_of(work, [UUID(str(row["id"])) for row in batch])
            work.session.expunge_all()
            target.write(await asyncio.to_thread(write, entries))
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def _lines(entries: Sequence[EntryOut]) -> bytes:
    return b"".join(orjson.dumps(entry.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def _cells(entries: Sequence[EntryOut]) -> bytes:
    return _rows([_cell(value) for value in entry.model_dump(mode="json").values()] for entry in entries)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return harmless(canonical(value).decode() if isinstance(value, dict | list) else str(value))


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()
