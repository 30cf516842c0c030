"""The text of a Word file: its paragraphs and tables in their order, headers and footers behind."""

import zipfile

import docx
import docx.document
import docx.table
import lxml.etree  # type: ignore[import-untyped] # noqa: F401  what opening a file would import

from holdfast.core.files.service.extract.archive import check
from holdfast.core.files.service.extract.confinement import Text, confine, content


def main() -> None:
    """Write the text."""
    confine()
    held = content()
    with zipfile.ZipFile(held) as archive:
        check(archive)
    document = docx.Document(held)
    text = Text()
    _gather(document, text)
    for section in document.sections:
        _gather(section.header, text)
        _gather(section.footer, text)
    text.tell()


def _gather(holder: object, text: Text) -> None:
    for block in holder.iter_inner_content():  # type: ignore[attr-defined]
        if text.full:
            return
        if isinstance(block, docx.table.Table):
            for row in block.rows:
                cells = dict.fromkeys(cell.text.strip() for cell in row.cells)  # merged cells come several times
                text.add("\t".join(cells))
        else:
            text.add(block.text)


if __name__ == "__main__":
    main()
