"""Exporting people as a file that spreadsheets open without running anything, and that the import reads again."""

import csv
import io

from holdfast.core.directory import queries
from holdfast.core.directory.service.people_files import COLUMNS, harmless
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("directory.person.export", sensitive=True)
async def export_people(work: Work, params: queries.PeopleExport) -> bytes:
    """Return the people as CSV (RFC 4180) in UTF-8 with a byte order mark, columns as the import takes them.

    What a spreadsheet would take for a formula begins with an apostrophe, which the import drops again.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    made = [b"\xef\xbb\xbf"]
    async for batch in queries.PEOPLE_EXPORT.batches(work, params):
        writer.writerows(["" if row[column] is None else harmless(row[column]) for column in COLUMNS] for row in batch)
        made.append(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    made.append(text.getvalue().encode())
    return b"".join(made)
