"""A thumbnail of a PDF file: its first page."""

import io
import sys

import pypdfium2  # type: ignore[import-untyped]
from PIL import Image, WebPImagePlugin

from holdfast.core.files.service.extract.confinement import confine, content, tell


def main() -> None:
    """Make a picture of at most `SIZE` pixels a side of the first page."""
    side = int(sys.argv[1])
    Image.init()
    assert WebPImagePlugin.SUPPORTED
    confine()
    document = pypdfium2.PdfDocument(content().read())
    page = document[0]
    longest = max(page.get_size())
    picture = page.render(scale=side / max(longest, 1)).to_pil().convert("RGB")
    picture.thumbnail((side, side))
    held = io.BytesIO()
    picture.save(held, "WEBP", quality=80, method=4)
    tell(held.getvalue(), width=picture.width, height=picture.height, pages=len(document))


if __name__ == "__main__":
    main()
