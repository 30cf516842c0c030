"""The text of a spreadsheet: what its cells show, a line a row."""

import zipfile

import openpyxl  # type: ignore[import-untyped]
import openpyxl.reader.excel  # type: ignore[import-untyped]

from holdfast.core.files.service.extract.archive import check
from holdfast.core.files.service.extract.confinement import Text, confine, content

MOST_ROWS = 200_000


def main() -> None:
    """Write the text."""
    confine()
    held = content()
    with zipfile.ZipFile(held) as archive:
        check(archive)
    book = openpyxl.load_workbook(held, read_only=True, data_only=True, keep_links=False)
    text, left = Text(), MOST_ROWS
    for sheet in book.worksheets:
        text.add(sheet.title)
        for row in sheet.iter_rows(values_only=True):
            left -= 1
            if left < 0 or text.full:
                break
            text.add("\t".join(str(value) for value in row if value is not None))
    text.tell()


if __name__ == "__main__":
    main()
