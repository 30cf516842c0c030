"""Workbooks that tests make, good ones and others."""

import io
import zipfile
from collections.abc import Iterable
from typing import Any

from openpyxl import Workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(*rows: Iterable[Any], formats: dict[str, str] | None = None) -> bytes:
    """Return a workbook of these rows; `formats` are number formats of cells such as A2."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for name, how in (formats or {}).items():
        book.active[name].number_format = how
    return saved(book)


def saved(book: Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def replaced(content: bytes, **parts: bytes) -> bytes:
    """Return a workbook with other bytes in its parts: sheet, strings, styles; other names are added as they are."""
    paths = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
    wanted = {paths.get(name, name): data for name, data in parts.items()}
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, wanted.pop(part.filename, None) or old.read(part))
        for name, data in wanted.items():
            new.writestr(name, data)
    return target.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
