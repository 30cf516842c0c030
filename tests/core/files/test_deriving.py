"""Thumbnails and text: made of true files, and of hostile ones nothing but a note that it failed."""

import asyncio
import io
import struct
import time
import zipfile
import zlib
from pathlib import Path

import docx
import openpyxl
import pytest
from PIL import Image
from uploads import URL, kept, made, zipped

from holdfast.core.files.public import derive_waiting, remove_orphans
from holdfast.core.files.service import processes
from holdfast.core.files.service.extract.archive import check
from holdfast.core.files.service.processes import run

pytestmark = pytest.mark.endpoint


def picture(size=(1200, 800), kind="PNG", **options) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(held, kind, **options)
    return held.getvalue()


def word() -> bytes:
    document, held = docx.Document(), io.BytesIO()
    document.add_paragraph("First paragraph")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "in the table", "beside it"
    document.add_paragraph("Last paragraph")
    document.sections[0].header.paragraphs[0].text = "The header"
    document.save(held)
    return held.getvalue()


def sheet() -> bytes:
    book, held = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Name", "Amount"])
    book.active.append(["Ann", 12])
    book.save(held)
    return held.getvalue()


def pdf() -> bytes:
    """Return a PDF of one page with a line of text, written by hand."""
    stream = b"BT /F1 24 Tf 72 700 Td (Hello from a page) Tj ET"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
            b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer


async def derived(client, org, content: bytes, name: str) -> tuple[dict, bytes | None, str | None]:
    """Upload a file, let the job run, and return what is shown of it, its thumbnail and its text."""
    file = await made(client, org, content, name)
    assert await derive_waiting(org.home.works, org.id) == 1
    assert await derive_waiting(org.home.works, org.id) == 0
    url = f"{URL}/{file['id']}"
    file = (await client.get(url, headers=org.user.bearer)).json()
    found = []
    for part, there in (("thumbnail", file["has_thumbnail"]), ("text", file["has_text"])):
        answer = await client.get(f"{url}/{part}", headers=org.user.bearer)
        assert answer.status_code == (200 if there else 404), answer.text
        found.append(answer.content if there else None)
    return file, found[0], None if found[1] is None else found[1].decode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
async def test_a_picture_has_a_small_one(client, org, kind):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    content = picture(kind=kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {}))
    _, thumbnail, text = await derived(client, org, content, f"a.{kind.lower()}")
    small = Image.open(io.BytesIO(thumbnail))
    assert (small.format, small.size) == ("WEBP", (512, 341))
    assert text is None
    assert b"taken at home" not in thumbnail


async def test_a_picture_is_turned_as_it_was_taken(client, org):
    exif = Image.Exif()
    exif[0x0112] = 6
    _, thumbnail, _ = await derived(client, org, picture((400, 200), "JPEG", exif=exif), "a.jpg")
    assert Image.open(io.BytesIO(thumbnail)).size == (200, 400)


async def test_a_pdf_has_text_and_a_picture_of_its_first_page(client, org):
    _, thumbnail, text = await derived(client, org, pdf(), "a.pdf")
    assert text.strip() == "Hello from a page"
    assert max(Image.open(io.BytesIO(thumbnail)).size) == 512


@pytest.mark.parametrize(
    ("name", "make", "wanted"),
    [
        ("a.docx", word, "First paragraph\nin the table\tbeside it\nLast paragraph\nThe header"),
        ("a.xlsx", sheet, "Sheet\nName\tAmount\nAnn\t12"),
        ("a.txt", lambda: "Grüße\n".encode("cp1252"), "Grüße"),
        ("a.txt", lambda: "Grüße\n".encode("utf-16"), "Grüße"),
        ("a.csv", lambda: b"\xef\xbb\xbfa;b\r\n1;2\r\n", "a;b\n1;2"),
    ],
    ids=["docx", "xlsx", "cp1252", "utf-16", "csv"],
)
async def test_documents_have_text(client, org, name, make, wanted):
    file, thumbnail, text = await derived(client, org, make(), name)
    assert (text, thumbnail) == (wanted, None)
    assert file["has_text"]


def bomb() -> bytes:
    return zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"\0" * 300_000_000})


def entities() -> bytes:
    lol = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    return zipped(**{"[Content_Types].xml": lol, "word/document.xml": lol})


def flood() -> bytes:
    """Return a PNG of 900 million pixels in a hundred kilobytes."""
    side = 30_000
    row = b"\0" * (1 + side // 8)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!L", len(data)) + kind + data + struct.pack("!L", zlib.crc32(kind + data))

    head = struct.pack("!LLBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * side, 1)), chunk(b"IEND", b"")]
    )


def encrypted() -> bytes:
    whole = pdf()
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -1 >> /ID [(1) (2)] " % (b"o" * 32, b"u" * 32)
    return whole.replace(b"/Root 1 0 R", lock + b"/Root 1 0 R")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("bomb.docx", bomb),
        ("bomb.xlsx", lambda: zipped(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"\0" * 300_000_000})),
        ("entities.docx", entities),
        ("empty.docx", lambda: zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b""})),
        ("flood.png", flood),
        ("broken.png", lambda: picture()[:300]),
        ("broken.jpg", lambda: b"\xff\xd8\xff" + b"x" * 500),
        ("broken.pdf", lambda: b"%PDF-1.7\n" + b"\xff" * 5000),
        ("encrypted.pdf", encrypted),
        ("cut.pdf", lambda: pdf()[:200]),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_a_hostile_file_is_isolated(client, org, name, make):
    content = make()
    before = time.monotonic()
    file, thumbnail, text = await derived(client, org, content, name)
    assert (file["has_thumbnail"], thumbnail, text) == (False, None, None)
    assert time.monotonic() - before < 25
    assert len(kept(org)) == 1, "nothing but the content itself"
    whole = await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)
    assert len(whole.content) == file["size"]


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        ("bytearray(2_000_000_000)", "ended with"),
        ("open('/etc/passwd')", "ended with"),
        ("__import__('socket').socket()", "ended with"),
        ("__import__('os').close(0) or open('/etc/passwd')", "ended with"),
        ("__import__('os').close(0) or __import__('socket').socket()", "ended with"),
        ("print('no line of ours', flush=True)", "spoke another language"),
        ("print('[]', flush=True)", "was cut short"),
        ("__import__('os').kill(__import__('os').getpid(), 9)", "ended with -9"),
        ("[print('x' * 1_000_000) for _ in range(50)]", "made too much"),
    ],
)
async def test_the_walls_hold(act, fault, tmp_path, monkeypatch):
    """Run, within the same walls, what a hostile file might bring a library to do."""
    package = tmp_path / "hostile"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "act.py").write_text(
        "import socket\n"
        "from holdfast.core.files.service.extract.confinement import confine, tell\n"
        f"confine()\n{act}\ntell(b'it went through')\n"
    )
    monkeypatch.setattr(processes, "_MODULE", "hostile")
    monkeypatch.setattr(processes, "_ROOT", f"{processes._ROOT}:{tmp_path}")
    with held(tmp_path) as content:
        made_of_it = await run("act", content)
    assert made_of_it.content == b""
    assert made_of_it.fault.startswith(fault), made_of_it


async def test_a_process_that_does_not_end_is_ended(tmp_path, monkeypatch):
    package = tmp_path / "hostile"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "act.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(processes, "_MODULE", "hostile")
    monkeypatch.setattr(processes, "_ROOT", f"{processes._ROOT}:{tmp_path}")
    monkeypatch.setattr(processes, "SECONDS", 1.0)
    with held(tmp_path) as content:
        assert (await run("act", content)).fault == "took too long"


async def test_what_a_process_started_ends_with_it(tmp_path, monkeypatch):
    """A child that holds the output open, of a parent that ended well."""
    package = tmp_path / "hostile"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "act.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        f"place = Path({str(tmp_path)!r}) / 'child'\n"
        "if os.fork() == 0:\n    place.write_text(str(os.getpid()))\n    time.sleep(60)\n"
        "while not place.exists() or not place.read_text():\n    time.sleep(0.01)\n"
    )
    monkeypatch.setattr(processes, "_MODULE", "hostile")
    monkeypatch.setattr(processes, "_ROOT", f"{processes._ROOT}:{tmp_path}")
    before = time.monotonic()
    with held(tmp_path) as content:
        assert (await run("act", content, seconds=3.0)).fault == "took too long"
    assert time.monotonic() - before < 30, "its output was held open"
    child, ends = Path("/proc") / (tmp_path / "child").read_text() / "stat", time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z":  # nobody waits for it any more
        assert time.monotonic() < ends, "it goes on"
        await asyncio.sleep(0.01)


def held(tmp_path):
    place = tmp_path / "content"
    place.write_bytes(b"content")
    return place.open("rb")


async def test_what_nobody_needs_any_more_is_removed_with_all_that_was_made_of_it(client, org):
    file, _, _ = await derived(client, org, picture(), "a.png")
    other = await made(client, org, picture(), "same.png")
    assert len(kept(org)) == 2
    for each in (file, other):
        url = f"{URL}/{each['id']}"
        assert await remove_orphans(org.home.works, org.id) == 0
        assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
        assert (await client.post(f"{url}/purge", headers=org.admin.bearer)).status_code == 204
    assert await remove_orphans(org.home.works, org.id) == 1
    assert kept(org) == {}


def locked(content: bytes) -> bytes:
    """Set the bit that says that a part is encrypted, in the archive's directory."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped(**{"word/document.xml": b"\0" * 3_000_000}), "too much"),
        (zipped(**{f"part{number}": b"" for number in range(2001)}), "too much"),
        (locked(zipped(**{"word/document.xml": b"<x/>"})), "encrypted"),
        (zipped(**{"word/document.xml": b"<!DOCTYPE x><x/>"}), "entities"),
        (zipped(**{"_rels/.rels": b'<?xml version="1.0"?> <!ENTITY a "b">'}), "entities"),
    ],
    ids=["packed too well", "too many parts", "encrypted", "document type", "entity"],
)
def test_an_archive_is_refused_before_it_is_unpacked(content, why):
    with zipfile.ZipFile(io.BytesIO(content)) as archive, pytest.raises(ValueError, match=why):
        check(archive)


@pytest.mark.unit
def test_a_document_of_the_usual_kind_may_be_unpacked():
    for content in (word(), sheet()):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check(archive)
