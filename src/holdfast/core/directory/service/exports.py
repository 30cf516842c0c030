"""Exporting people as a file that spreadsheets open without running anything, and that the import reads again."""

import csv
import io

from holdfast.core.directory import queries
from holdfast.core.directory.service.people_files import COLUMNS, FORMULA
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("directory.person.export", sensitive=True)
async def export_people(work: Work, params: queries.PeopleExport) -> bytes:
    """Return the people as CSV (RFC 4180) in UTF-8 with a byte order mark, columns as the import takes them.

    A cell that a spreadsheet would take for a formula begins with an apostrophe, which the import drops again.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    made = [b"\xef\xbb\xbf"]
    async for batch in queries.PEOPLE_EXPORT.batches(work, params):
        writer.writerows([plain_cell(row[column]) for column in COLUMNS] for row in batch)
        made.append(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    made.append(text.getvalue().encode())
    return b"".join(made)


def plain_cell(value: object) -> str:
    """Return the text of a cell, made harmless for spreadsheets (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
