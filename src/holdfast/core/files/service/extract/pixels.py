"""The grey pixels of one page of a picture or a PDF file, in the plainest of formats (PGM), for reading text in it."""

import io
import sys

import pypdfium2  # type: ignore[import-untyped]
from PIL import Image, ImageOps

from holdfast.core.files.service.extract.confinement import confine, content, tell
from holdfast.core.files.service.extract.image import FORMATS, prepare

MOST_PIXELS = 12_000_000  # an A4 page at 300 dots an inch has 8.7 million
DOTS = 200  # an inch, of a PDF's page


def main() -> None:
    """Write the page with this number, from 0, and say how many pages there are; nothing behind the last one."""
    number = int(sys.argv[1])
    prepare()
    confine()
    held = content()
    page, pages = _of_pdf(held, number) if held.getvalue().startswith(b"%PDF-") else _of_picture(held, number)
    if page is None:
        tell(pages=pages)
        return
    tell(b"P5\n%d %d\n255\n" % page.size + page.tobytes(), pages=pages)


def _of_pdf(held: io.BytesIO, number: int) -> tuple[Image.Image | None, int]:
    document = pypdfium2.PdfDocument(held.getvalue())
    pages = len(document)
    if number >= pages:
        return None, pages
    page = document[number]
    width, height = page.get_size()
    scale = min(DOTS / 72, (MOST_PIXELS / max(width * height, 1)) ** 0.5)
    return page.render(scale=scale, grayscale=True).to_pil().convert("L"), pages


def _of_picture(held: io.BytesIO, number: int) -> tuple[Image.Image | None, int]:
    with Image.open(held, formats=FORMATS) as opened:
        pages = getattr(opened, "n_frames", 1) if opened.format == "TIFF" else 1  # others only move
        if number >= pages:
            return None, pages
        opened.seek(number)
        opened.thumbnail(_most(*opened.size), reducing_gap=2.0)
        turned = ImageOps.exif_transpose(opened)
    if not turned.has_transparency_data:
        return turned.convert("L"), pages
    seen = turned.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    paper.alpha_composite(seen)
    return paper.convert("L"), pages


def _most(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, (MOST_PIXELS / max(width * height, 1)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


if __name__ == "__main__":
    main()
