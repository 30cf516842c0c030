"""The text of a spreadsheet: what its cells show, a line a row."""

import io
import zipfile

import openpyxl  # type: ignore[import-untyped]

from holdfast.core.files.service.extract.archive import check
from holdfast.core.files.service.extract.confinement import Text, confine, content

MOST_ROWS = 200_000


def main() -> None:
    """Write the text."""
    sample, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(["a", 1])
    book.save(sample)
    _text_of(sample)  # so that all that is loaded when first used has been
    confine()
    _text_of(content()).tell()


def _text_of(held: io.BytesIO) -> Text:
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
    return text


if __name__ == "__main__":
    main()
