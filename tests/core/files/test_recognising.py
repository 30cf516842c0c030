"""Text in pictures and scanned pages, read by Tesseract where it is there."""

import io
import shutil
import tempfile

import pytest
from PIL import Image, ImageDraw, ImageFont
from test_deriving import derived, pdf, picture
from uploads import kept

from holdfast.core.files.public import derive_waiting
from holdfast.core.files.service import recognising
from holdfast.core.files.service.recognising import languages_of, recognise
from support import REQUIRED

pytestmark = pytest.mark.endpoint
SAID = "The quick brown fox jumps over the lazy dog"


@pytest.fixture
def program() -> str:
    found = shutil.which("tesseract")
    if found is None:
        if REQUIRED:
            pytest.fail("tesseract is not installed and REQUIRE_SERVICES=1 allows no skip")
        pytest.skip("tesseract is not installed")
    return found


def written(*lines: str, mode: str = "L", **options) -> Image.Image:
    """Return a picture of lines of text, black on white."""
    page = Image.new(mode, (1200, 120 + 90 * len(lines)), options.get("paper", "white"))
    font = ImageFont.load_default(size=44)
    for number, line in enumerate(lines):
        ImageDraw.Draw(page).text((60, 60 + 90 * number), line, "black", font)
    return page


def as_file(image: Image.Image, kind: str, **options) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PDF"])
@pytest.mark.unit
async def test_what_a_picture_or_a_scan_shows_is_its_text(program, kind):
    """Two pages where the format has pages; the picture stands on nothing, which is white on paper."""
    first, second = written(SAID, "Invoice 4711"), written("Second page")
    if kind == "PNG":
        clear = Image.new("RGBA", first.size, (0, 0, 0, 0))
        clear.paste(Image.new("RGBA", first.size, "black"), mask=first.point(lambda each: 255 - each))
        content = as_file(clear, "PNG")
    else:
        content = as_file(first, kind, save_all=True, append_images=[second])
    with io_file(content) as held:
        made = await recognise(program, "eng", held)
    text = made.content.decode()
    assert SAID in text, made
    assert "Invoice 4711" in text
    assert ("Second page" in text) is (kind != "PNG")


@pytest.mark.unit
async def test_a_picture_turned_as_it_was_taken_is_read_upright(program):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = written(SAID).transpose(Image.Transpose.ROTATE_90)
    with io_file(as_file(turned, "JPEG", exif=exif, quality=95)) as held:
        assert SAID in (await recognise(program, "eng", held)).content.decode()


async def test_where_the_text_is_from_is_said(client, org, program):
    for content, name, state in (
        (pdf(), "a.pdf", "layer"),
        (as_file(written(SAID), "PDF"), "scan.pdf", "recognised"),
        (picture(), "blank.png", "none"),
        (picture()[:300], "broken.png", "failed"),
        (b"\0\1\2", "a.bin", "none"),
    ):
        file, _, text = await derived(client, org, content, name)
        assert (file["text_state"], file["has_text"]) == (state, state in ("layer", "recognised")), name
        assert (text is not None and SAID in text) is (state == "recognised")


async def test_without_the_program_a_scan_has_no_text_layer_and_is_read_once_there_is_one(
    client, org, home, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    file, thumbnail, text = await derived(client, org, as_file(written(SAID), "PNG"), "scan.png")
    assert (file["text_state"], file["has_text"], text) == ("no_text_layer", False, None)
    assert thumbnail is not None
    monkeypatch.undo()
    if shutil.which("tesseract") is None:
        return
    settings = home.settings.model_copy(update={"ocr_languages": ""})
    monkeypatch.setattr(home.works, "settings", settings)
    assert await derive_waiting(home.works, org.id) == 0, "it is switched off"
    monkeypatch.undo()
    assert await derive_waiting(home.works, org.id) == 1
    assert len([name for name in kept(org) if name.endswith(".text")]) == 1
    assert await derive_waiting(home.works, org.id) == 0


@pytest.mark.unit
async def test_languages_are_told_and_one_that_is_missing_is_a_fault_of_the_settings_not_of_the_server(program):
    assert "eng" in await languages_of(program)
    with io_file(as_file(written(SAID), "PNG")) as held:
        assert (await recognise(program, "xyz", held)).fault.startswith("ended with")


@pytest.mark.unit
async def test_reading_ends_in_time_and_after_so_many_pages(program, monkeypatch):
    pages = as_file(written("One"), "TIFF", save_all=True, append_images=[written("Two"), written("Three")])
    monkeypatch.setattr(recognising, "MOST_PAGES", 2)
    with io_file(pages) as held:
        assert (await recognise(program, "eng", held)).content.split() == [b"One", b"Two"]
    monkeypatch.setattr(recognising, "WHOLE_SECONDS", 0.0)
    with io_file(pages) as held:
        assert (await recognise(program, "eng", held)).content.split() == [b"One"]
    monkeypatch.setattr(recognising, "PAGE_SECONDS", 0.01)
    with io_file(pages) as held:
        assert (await recognise(program, "eng", held)).fault == "took too long"


def io_file(content: bytes):
    held = tempfile.TemporaryFile()  # noqa: SIM115  closed by who asked
    held.write(content)
    held.flush()
    return held
