"""What a content is, told by its bytes alone: a small table of signatures (decision 0026).

Sources: the IANA media type registry, and the specifications of the formats (PNG, RFC 2083; PDF, ISO 32000-2, 7.5.2;
ZIP, APPNOTE.TXT 4.3; ECMA-376 Part 2 for Office files; OpenDocument 1.3 Part 2, 3.3).
"""

import codecs
import re

HEAD, TAIL = 8192, 256 * 1024  # bytes of the beginning and the end that are looked at
BINARY, TEXT, ZIP = "application/octet-stream", "text/plain", "application/zip"
PDF, PNG, JPEG, GIF, WEBP, TIFF, BMP = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/tiff",
    "image/bmp",
)
HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX = f"{_OFFICE}.wordprocessingml.document"
XLSX = f"{_OFFICE}.spreadsheetml.sheet"
PPTX = f"{_OFFICE}.presentationml.presentation"
OLE = "application/x-ole-storage"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", PDF),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"II*\x00", TIFF),
    (0, b"MM\x00*", TIFF),
    (0, b"BM", BMP),
    (8, b"WEBP", WEBP),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"BZh", "application/x-bzip2"),
    (257, b"ustar", "application/x-tar"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
)
# Formats that begin alike: what stands at 0 decides only where the rest agrees.
_RIFF = frozenset({WEBP, "audio/wav", "video/x-msvideo"})
_IN_ARCHIVE: tuple[tuple[bytes, str], ...] = (
    (b"word/document.xml", DOCX),
    (b"xl/workbook.xml", XLSX),
    (b"ppt/presentation.xml", PPTX),
)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/(?:vnd\.oasis\.opendocument\.[a-z]+|epub\+zip))")
_MARKUP: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)[\s>/]", re.IGNORECASE), HTML),
    (re.compile(rb"<(?:[a-z0-9]+:)?svg[\s>]", re.IGNORECASE), SVG),
)
_XML = re.compile(rb"\s*<\?xml\s", re.IGNORECASE)
# What an extension promises. One that does not stand here promises nothing.
_OLE_OR_RTF = (OLE, "application/rtf")
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "pdf": (PDF,),
    "png": (PNG,),
    "jpg": (JPEG,),
    "jpeg": (JPEG,),
    "gif": (GIF,),
    "webp": (WEBP,),
    "tif": (TIFF,),
    "tiff": (TIFF,),
    "bmp": (BMP,),
    "heic": ("image/heic", "image/heif"),
    "avif": ("image/avif",),
    "svg": (SVG,),
    "html": (HTML, TEXT),
    "htm": (HTML, TEXT),
    "docx": (DOCX,),
    "xlsx": (XLSX,),
    "pptx": (PPTX,),
    "doc": _OLE_OR_RTF,
    "xls": (OLE,),
    "ppt": (OLE,),
    "msg": (OLE,),
    "rtf": ("application/rtf",),
    "odt": ("application/vnd.oasis.opendocument.text",),
    "ods": ("application/vnd.oasis.opendocument.spreadsheet",),
    "odp": ("application/vnd.oasis.opendocument.presentation",),
    "zip": (ZIP,),
    "txt": (TEXT, XML, HTML),
    "md": ("text/markdown", HTML),
    "csv": ("text/csv",),
    "json": ("application/json",),
    "xml": (XML, SVG, HTML),
    "mp4": ("video/mp4",),
    "mp3": ("audio/mpeg",),
    "wav": ("audio/wav",),
    "gz": ("application/gzip",),
    "7z": ("application/x-7z-compressed",),
    "exe": ("application/vnd.microsoft.portable-executable",),
}
# Of plain text its extension tells more: the bytes cannot.
_TEXTS = {"csv": "text/csv", "json": "application/json", "md": "text/markdown"}


def media_type_of(head: bytes, tail: bytes) -> str:
    """Return the media type of a content that begins with `head` and ends with `tail`; an empty one is plain text."""
    for at, signature, kind in _SIGNATURES:
        if head.startswith(signature, at) and (kind not in _RIFF or head.startswith(b"RIFF")):
            return _of_archive(head, tail) if kind == ZIP else kind
    if not _is_text(head):
        return BINARY
    # What comes first decides: a picture may hold a script, a page a picture.
    marks = [(found.start(), kind) for pattern, kind in _MARKUP if (found := pattern.search(head))]
    if marks:
        return min(marks)[1]
    return XML if _XML.match(head.removeprefix(codecs.BOM_UTF8)) else TEXT


def refined(media_type: str, name: str) -> str:
    """Return the kind of a plain text that its name tells; other contents are what their bytes say."""
    return _TEXTS.get(extension(name), TEXT) if media_type == TEXT else media_type


def contradicts(name: str, media_type: str) -> bool:
    """Tell whether a name's extension promises another content."""
    promised = EXTENSIONS.get(extension(name))
    return promised is not None and media_type not in promised


def extension(name: str) -> str:
    """Return what stands behind the last dot of a name, in small letters."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def _of_archive(head: bytes, tail: bytes) -> str:
    found = _OPEN_DOCUMENT.search(head[:200])
    if found is not None:
        return found[1].decode()
    # An Office file is known by its parts, which the archive lists at its end.
    if b"[Content_Types].xml" in tail or b"[Content_Types].xml" in head:
        for part, kind in _IN_ARCHIVE:
            if part in tail or part in head:
                return kind
    return ZIP


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head[:1024]) or b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        # Western European text of older programs: no control characters of that set either.
        return not any(0x80 <= byte < 0xA0 for byte in head)
    return True
