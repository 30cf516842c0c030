"""Reading CSV (RFC 4180) in the encodings and with the delimiters that spreadsheets write."""

import codecs
import csv
import io
from collections.abc import Callable

from holdfast.core.directory.service.cells import Faults, Records

DELIMITERS = (",", ";", "\t")

# The encodings that a file may be declared in; Windows-1252 has no mark of its own, so it is never guessed.
CHARSETS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1252": "cp1252"}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_csv(content: bytes, *, charset: str | None, knows: Callable[[str], bool], faults: Faults) -> Records:
    """Yield line and cells of each record; faults of the file as a whole end it.

    The delimiter is the one that finds the most headings that `knows` tells of.
    """
    encoding = _encoding(content, charset, faults)
    if encoding is None:
        return
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    delimiter = _delimiter(text.readline(), knows)
    text.seek(0)
    yield from _records(text, delimiter, faults)


def _encoding(content: bytes, charset: str | None, faults: Faults) -> str | None:
    """Return the codec that reads all of the file, None (and a fault) where there is none."""
    encoding = next((codec for mark, codec in _MARKS if content.startswith(mark)), None)
    if encoding is None and charset == "utf-16":
        faults.add(1, None, "encoding", "UTF-16 needs a byte order mark at the beginning of the file")
        return None
    encoding = encoding or CHARSETS[charset or "utf-8"]
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.decode(encoding, "ignore").count("\n") + 1 if encoding == "utf-16" else before.count(b"\n") + 1
        name = next(name for name, codec in CHARSETS.items() if codec == encoding)
        hint = "" if charset else "; save the file as UTF-8, or declare charset=windows-1252"
        faults.add(line, None, "encoding", f"byte {content[error.start]:02X} is no text in {name}{hint}")
        return None
    return encoding


def _delimiter(first: str, knows: Callable[[str], bool]) -> str:
    """Return the delimiter that finds the most known columns in the heading."""
    return max(DELIMITERS, key=lambda each: sum(knows(cell.strip('" \r\n')) for cell in first.split(each)))


def _records(text: io.TextIOBase, delimiter: str, faults: Faults) -> Records:
    """Yield the first line and the cells of each record; end with a fault where quotes do not match."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "too_long" if "field limit" in str(error) else "quotes"
            told = (
                "a cell is too long, or its closing quote is missing" if code == "too_long" else "quotes do not match"
            )
            faults.add(line, None, code, f"{told}; the rest of the file was not read")
            return
        if cells:
            yield line, [cell.strip() for cell in cells]
