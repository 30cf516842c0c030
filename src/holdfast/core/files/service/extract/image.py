"""A thumbnail of an image: decoded, turned as it was taken, made small, and written anew without its metadata."""

import io
import sys
import warnings

from PIL import Image, ImageOps

from holdfast.core.files.service.extract.confinement import confine, content, tell

MOST_PIXELS = 80_000_000  # 240 MB once unpacked
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")


def main() -> None:
    """Make a thumbnail of at most `SIZE` pixels a side."""
    side = int(sys.argv[1])
    prepare()
    confine()
    made, written = _small(content(), side)
    tell(written, width=made.width, height=made.height)


def prepare() -> None:
    """Load all that is loaded when it is first used, and refuse pictures of too many pixels."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    for kind in FORMATS:
        sample = io.BytesIO()
        Image.new("RGB", (2, 2)).save(sample, kind)
        _small(sample, 1)


def _small(source: io.BytesIO, side: int) -> tuple[Image.Image, bytes]:
    with Image.open(source, formats=FORMATS) as opened:
        opened.draft("RGB", (side, side))
        opened.thumbnail((side, side), reducing_gap=2.0)
        made = ImageOps.exif_transpose(opened).convert("RGBA" if opened.has_transparency_data else "RGB")
    held = io.BytesIO()
    made.save(held, "WEBP", quality=80, method=4)
    return made, held.getvalue()


if __name__ == "__main__":
    main()
