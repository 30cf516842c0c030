"""Text in pictures and scanned pages, through Tesseract where it is installed (decision 0030)."""

import asyncio
import shutil
import tempfile
from typing import BinaryIO

from holdfast.core.files.service.extract.confinement import MOST_TEXT
from holdfast.core.files.service.processes import Made, run, written_by
from holdfast.kernel.settings import Settings

PROGRAM = "tesseract"
MOST_PAGES = 50
PAGE_SECONDS = 60.0
WHOLE_SECONDS = 600.0


def reader_of(settings: Settings) -> str | None:
    """Return where the program stands, None where there is none or no language is set."""
    return shutil.which(PROGRAM) if settings.ocr_languages else None


# lint: allow verb – starts processes, no row is read
async def recognise(program: str, languages: str, held: BinaryIO) -> Made:
    """Return the text in the first pages of a picture or PDF file; what was read before time was up stands."""
    texts: list[str] = []
    ends = asyncio.get_running_loop().time() + WHOLE_SECONDS
    for number in range(MOST_PAGES):
        page = await run("pixels", held, str(number))
        if page.fault is None and page.content:
            page = await _read(program, languages, page.content)
        elif page.fault is None:
            break  # behind the last page
        if page.fault is not None:
            return page
        texts.append(page.content.decode(errors="replace").replace("\0", "").strip())
        if asyncio.get_running_loop().time() > ends or sum(map(len, texts)) > MOST_TEXT:
            break
    return Made("\n\n".join(text for text in texts if text)[:MOST_TEXT].encode())


async def _read(program: str, languages: str, picture: bytes) -> Made:
    with tempfile.TemporaryFile() as held:
        await asyncio.to_thread(held.write, picture)
        await asyncio.to_thread(held.flush)
        arguments = (program, "stdin", "stdout", "-l", languages)
        return await written_by("letters", held, *arguments, seconds=PAGE_SECONDS)


# lint: allow verb – starts a process, no row is read
async def languages_of(program: str) -> frozenset[str]:
    """Return the languages that are installed for the program; none where it does not say."""
    with tempfile.TemporaryFile() as nothing:
        said = await written_by("letters", nothing, program, "--list-langs")
    return frozenset(said.content.decode(errors="replace").split("\n")[1:]) - {""}
