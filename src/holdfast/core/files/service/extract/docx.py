"""The text of a Word file: its paragraphs and tables in their order, headers and footers behind."""

import io
import zipfile

import docx
import docx.document
import docx.table

from holdfast.core.files.service.extract.archive import check
from holdfast.core.files.service.extract.confinement import Text, confine, content


def main() -> None:
    """Write the text."""
    sample = io.BytesIO()
    docx.Document().save(sample)
    _text_of(sample)  # so that all that is loaded when first used has been
    confine()
    _text_of(content()).tell()


def _text_of(held: io.BytesIO) -> Text:
    with zipfile.ZipFile(held) as archive:
        check(archive)
    document = docx.Document(held)
    text = Text()
    _gather(document, text)
    for section in document.sections:
        for part in (section.header, section.footer):
            if not part.is_linked_to_previous:
                _gather(part, text)
    return text


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
