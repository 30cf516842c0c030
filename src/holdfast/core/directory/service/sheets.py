"""Reading and writing XLSX (ECMA-376) with openpyxl: bounded, nothing evaluated, nothing fetched.

See docs/decisions/0015-spreadsheets-with-openpyxl.md.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from openpyxl import Workbook, load_workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.cell.cell import ERROR_CODES  # type: ignore[import-untyped]
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

from holdfast.core.directory.service.cells import Cell, Faults, Records, Wrong

MIB = 1024 * 1024
MOST_PARTS = 1000
MOST_BYTES = 192 * MIB  # of all parts unpacked
MOST_RATIO, RATIO_FROM = 100, MIB  # a part of more than a mebibyte may be a hundred times its packed size
MOST_COLUMNS = 200
MOST_ROWS = 1_048_576  # of a sheet, by the format
# Elements that the reader keeps until the row or text they stand in ends, or the whole part.
_IN_ONE, _AROUND, _DEEP, _TEXTS = 20_000, 100_000, 40, 1_500_000
_ZIP, _OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZEROS = re.compile(r"0{2,32}")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXACT = 10**15  # a spreadsheet keeps so many digits


class SheetFault(Exception):
    """A workbook that is not read, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_workbook(content: bytes) -> bool:
    """Tell whether a file is a workbook, of today's format or the old one, whatever it is called."""
    return content.startswith((_ZIP, _OLD))


def read_sheet(content: bytes, faults: Faults) -> Records:
    """Yield number and cells of each row of the first visible sheet; faults of the file as a whole end it."""
    try:
        check_archive(content)
        yield from _rows(_first_sheet(content))
    except SheetFault as fault:
        faults.add(1, None, fault.code, str(fault))
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        expat.ExpatError,
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OSError,
        OverflowError,
        NotImplementedError,
    ) as error:  # fmt: skip  what openpyxl raises for a workbook that is none
        faults.add(1, None, "unreadable", f"is no workbook that can be read ({type(error).__name__})")


def _first_sheet(content: bytes) -> Any:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    sheet = next((each for each in book.worksheets if each.sheet_state == "visible"), None)
    if sheet is None:
        raise SheetFault("no_sheet", "the workbook holds no visible sheet")
    sheet.reset_dimensions()  # what the file says of its own size may be wrong
    return sheet


def _rows(sheet: Any) -> Records:
    """Yield the rows from the first one that holds anything, each as wide as that one, or wider by what it holds."""
    found = ((number, _trimmed(row)) for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1), 1))
    first, heading = next(((number, cells) for number, cells in found if cells or number > MOST_ROWS), (1, []))
    if not heading:
        return
    if len(heading) > MOST_COLUMNS:
        raise SheetFault("too_many_columns", f"the heading has more than {MOST_COLUMNS} columns")
    yield first, heading
    width = len(heading)
    rows = sheet.iter_rows(min_row=first + 1, max_col=width + 1)
    for number, row in enumerate(rows, first + 1):
        if number > MOST_ROWS:
            raise SheetFault("too_many_rows", f"a sheet has at most {MOST_ROWS} rows")
        cells = _trimmed(row)
        yield number, cells + [""] * (width - len(cells))


def _trimmed(row: Sequence[Any]) -> list[Cell]:
    """Return what the cells hold, without the empty ones at the end."""
    end = len(row)
    while end and row[end - 1].value is None:
        end -= 1
    return [_value(cell) for cell in row[:end]]


def check_archive(content: bytes) -> None:
    """Raise SheetFault for an archive whose parts are too many, too large, not what they say, or too complex.

    Every part is unpacked once, a piece at a time, before anything is built of it.
    """
    if content.startswith(_OLD):
        raise SheetFault("old_format", "is of the format before 2007 or encrypted: save it as .xlsx or as CSV")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        names = {part.filename for part in parts}
        if len(parts) > MOST_PARTS or len(names) < len(parts):
            raise SheetFault("bad_archive", f"holds more than {MOST_PARTS} parts, or two of one name")
        if sum(part.file_size for part in parts) > MOST_BYTES:
            raise SheetFault("too_large", f"is more than {MOST_BYTES // MIB} MiB unpacked")
        for part in parts:
            if part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise SheetFault("bad_archive", "is encrypted or packed in a way that spreadsheets do not use")
            if part.file_size > max(RATIO_FROM, MOST_RATIO * part.compress_size):
                raise SheetFault(
                    "too_large", f"{part.filename[:60]!a} unpacks to more than {MOST_RATIO} times its size"
                )
            with archive.open(part) as unpacked:  # ends with an error where size or checksum are not as declared
                _check_part(unpacked)


def _check_part(unpacked: IO[bytes]) -> None:
    """Read a part to its end; where it is XML, refuse document types and more elements than a table has."""
    limits, parser, reads = _Limits(), expat.ParserCreate(), True
    parser.StartElementHandler, parser.EndElementHandler = limits.start, limits.end
    parser.StartDoctypeDeclHandler = limits.doctype
    while piece := unpacked.read(MIB):
        try:
            if reads:
                parser.Parse(piece, False)
        except expat.ExpatError:  # no XML, or broken from here on: openpyxl reads no further either
            reads = False


class _Limits:
    """Counts what the reader of a part would hold in memory at once."""

    def __init__(self) -> None:
        self.depth = self.around = self.inside = self.texts = self.whole = 0

    def start(self, name: str, _attributes: object) -> None:
        self.depth += 1
        if self.whole:
            self.inside += 1
        elif name.rpartition(":")[2] in ("row", "si"):
            self.whole, self.inside = self.depth, 0
            self.texts += 1
        else:
            self.around += 1
        if self.depth > _DEEP or self.around > _AROUND or self.inside > _IN_ONE or self.texts > _TEXTS:
            raise SheetFault("too_complex", "holds more than a table of people: copy the rows into a new workbook")

    def end(self, _name: str) -> None:
        if self.depth == self.whole:
            self.whole = 0
        self.depth -= 1

    def doctype(self, *_: object) -> None:
        raise SheetFault("bad_archive", "declares a document type, which no spreadsheet does")


_REFUSED = {
    "f": Wrong("formula", "is a formula, which is not evaluated: paste its value"),
    "e": Wrong("error_value", "holds an error of the spreadsheet"),
    "b": Wrong("invalid", "holds TRUE or FALSE, not text"),
}
_TIME = Wrong("invalid", "holds a time of day, not a date alone")
_ROUNDED = Wrong("number", "is a number that the spreadsheet rounded or made of text: format the cell as text")


def _value(cell: Any) -> Cell:
    """Return what a cell holds as a person sees it, or why that cannot be told for certain."""
    value, kind = cell.value, cell.data_type
    if value is None or kind == "s":
        return "" if value is None else str(value).strip()
    if kind in _REFUSED:
        return _REFUSED[kind]
    if kind == "d":
        if isinstance(value, datetime) and value.time() == time():
            return value.date()
        return value if isinstance(value, date) and not isinstance(value, datetime) else _TIME
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or abs(value) >= _EXACT:
        return _ROUNDED
    zeros = _ZEROS.fullmatch(cell.number_format)
    return str(value).zfill(len(zeros[0]) if zeros else 0)


class SheetWriter:
    """Writes rows into a workbook, a few at a time: what openpyxl holds of them stands in a temporary file."""

    def __init__(self, heading: Sequence[str]) -> None:
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("People")
        self._sheet.append(list(heading))

    def add(self, rows: Iterable[Sequence[str | date | None]]) -> None:
        """Add rows; a text is never taken for a formula or an error."""
        for row in rows:
            self._sheet.append([self._cell(value) for value in row])

    def save(self, target: BinaryIO) -> None:
        """Write the workbook and remove the temporary file."""
        self._book.save(target)

    def _cell(self, value: str | date | None) -> object:
        if not isinstance(value, str):
            return value
        text = _UNWRITABLE.sub("\ufffd", value)
        if text.startswith("=") or text in ERROR_CODES:
            cell = WriteOnlyCell(self._sheet, text)
            cell.data_type = "s"
            return cell
        return text
