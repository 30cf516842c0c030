"""Whether an Office file may be unpacked: it is a ZIP archive of XML, made by anyone."""

import re
import zipfile

MOST_PARTS, MOST_BYTES, MOST_RATIO = 2000, 200 * 1024 * 1024, 200
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def check(archive: zipfile.ZipFile) -> None:
    """Raise ValueError for an archive that would unpack to far more than it is, is encrypted, or declares entities."""
    parts = archive.infolist()
    whole = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or whole > MOST_BYTES or (whole > 1024 * 1024 and whole > MOST_RATIO * max(packed, 1)):
        raise ValueError("the archive holds too much")
    for part in parts:
        if part.flag_bits & 1:
            raise ValueError("the archive is encrypted")
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as file:
                if _DOCTYPE.search(file.read(4096)):
                    raise ValueError("the archive declares entities")
