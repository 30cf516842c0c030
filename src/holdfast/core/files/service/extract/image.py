"""A thumbnail of an image: decoded, turned as it was taken, made small, and written anew without its metadata."""

import io
import sys
import warnings

from PIL import Image, ImageOps, WebPImagePlugin

from holdfast.core.files.service.extract.confinement import confine, content, tell

MOST_PIXELS = 80_000_000  # 240 MB once unpacked


def main() -> None:
    """Make a thumbnail of at most `SIZE` pixels a side."""
    side = int(sys.argv[1])
    Image.init()
    assert WebPImagePlugin.SUPPORTED
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    confine()
    with Image.open(content()) as opened:
        opened.draft("RGB", (side, side))
        opened.thumbnail((side, side), reducing_gap=2.0)
        made = ImageOps.exif_transpose(opened).convert("RGBA" if opened.has_transparency_data else "RGB")
    held = io.BytesIO()
    made.save(held, "WEBP", quality=80, method=4)
    tell(held.getvalue(), width=made.width, height=made.height)


if __name__ == "__main__":
    main()
