"""The text of a PDF file."""

import pypdfium2  # type: ignore[import-untyped]

from holdfast.core.files.service.extract.confinement import Text, confine, content

MOST_PAGES = 5000


def main() -> None:
    """Write the text of each page."""
    confine()
    document = pypdfium2.PdfDocument(content().read())
    text = Text()
    for number in range(min(len(document), MOST_PAGES)):
        if text.full:
            break
        page = document[number]
        text.add(page.get_textpage().get_text_bounded().replace("\r\n", "\n"))
        page.close()
    text.tell()


if __name__ == "__main__":
    main()
