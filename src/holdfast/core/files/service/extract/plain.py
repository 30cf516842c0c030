"""The text of a plain text, in UTF-8 whatever it was in."""

import codecs

from holdfast.core.files.service.extract.confinement import MOST_TEXT, Text, confine, content


def main() -> None:
    """Write the text."""
    confine()
    raw = content().read(2 * MOST_TEXT)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        told = raw.decode("utf-16", errors="replace")
    else:
        try:
            told = codecs.getincrementaldecoder("utf-8-sig")().decode(raw)  # a last character may be cut
        except UnicodeDecodeError:
            told = raw.decode("cp1252", errors="replace")
    text = Text()
    text.add(told.replace("\r\n", "\n"))
    text.tell()


if __name__ == "__main__":
    main()
