"""What a content is, by its bytes; and what its name may say."""

import io
import zipfile

import pytest
from uploads import PDF, PNG, zipped

from holdfast.core.files.service.types import (
    _SIGNATURES,
    BINARY,
    DOCX,
    EXTENSIONS,
    HEAD,
    HTML,
    PPTX,
    SVG,
    TAIL,
    TEXT,
    XLSX,
    XML,
    ZIP,
    contradicts,
    media_type_of,
    refined,
)

pytestmark = pytest.mark.unit


def told(content: bytes) -> str:
    return media_type_of(content[:HEAD], content[-TAIL:])


def stored(first: str, body: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(first, body)
        archive.writestr("content.xml", b"<x/>")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", TEXT),
        (b"plain\n", TEXT),
        ("Grüße".encode(), TEXT),
        ("Grüße".encode("utf-16"), TEXT),
        ("Grüße".encode("cp1252"), TEXT),
        ("€" * 3000, TEXT),
        (b"\0\1\2", BINARY),
        (b"text\0with", BINARY),
        (PNG, "image/png"),
        (PDF, "application/pdf"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"xxxx\0\0\0\0WEBP", BINARY),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        (b"<!DOCTYPE html><p>x", HTML),
        (b"  \n<script>alert(1)</script>", HTML),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", SVG),
        (b"<svg onload=alert(1)>", SVG),
        (b"<svg><script/></svg>", SVG),
        (b"<html><svg/></html>", HTML),
        (b"<x:svg xmlns:x='y'/>", SVG),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", XML),
        (zipped(a=b"1"), ZIP),
        (zipped(**{"word/document.xml": b"1"}), ZIP),
        (zipped(**{"[Content_Types].xml": b"1", "word/document.xml": b"1"}), DOCX),
        (zipped(**{"xl/workbook.xml": b"1" * 99999, "[Content_Types].xml": b"1"}), XLSX),
        (zipped(**{"[Content_Types].xml": b"1", "ppt/presentation.xml": b"1"}), PPTX),
        (stored("mimetype", b"application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (stored("mimetype", b"application/epub+zip"), "application/epub+zip"),
    ],
)
def test_the_bytes_tell(content, kind):
    assert told(content.encode() if isinstance(content, str) else content) == kind


@pytest.mark.parametrize(("at", "signature", "kind"), _SIGNATURES, ids=str)
def test_each_signature_is_found(at, signature, kind):
    lead = b"RIFF\0\0\0\0" if kind in ("image/webp", "audio/wav", "video/x-msvideo") else b"\0" * at
    assert told(lead[:at] + signature + b"\0" * 300) == kind


def test_no_signature_hides_another():
    seen: list[tuple[int, bytes]] = []
    for at, signature, _ in _SIGNATURES:
        hidden = [known for known in seen if known[0] == at and signature.startswith(known[1])]
        assert not hidden, (signature, hidden)
        seen.append((at, signature))


@pytest.mark.parametrize(
    ("name", "kind", "wrong"),
    [
        ("a.pdf", "application/pdf", False),
        ("a.PDF", "application/pdf", False),
        ("a.pdf", TEXT, True),
        ("a.unknown", BINARY, False),
        ("noextension", BINARY, False),
        ("a.txt", BINARY, True),
        ("a.pdf.exe", "application/pdf", True),
        ("a.jpg", "image/png", True),
    ],
)
def test_an_extension_may_contradict(name, kind, wrong):
    assert contradicts(name, kind) is wrong


def test_a_text_is_what_its_extension_says():
    for name, kind in (("a.csv", "text/csv"), ("a.json", "application/json"), ("a.md", "text/markdown"), ("a.x", TEXT)):
        assert refined(TEXT, name) == kind
        assert not contradicts(name, refined(TEXT, name))
    assert refined(BINARY, "a.csv") == BINARY
    assert all(extension == extension.lower() and kinds for extension, kinds in EXTENSIONS.items())
