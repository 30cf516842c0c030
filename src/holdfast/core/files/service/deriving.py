"""Thumbnails and text of contents, made in processes of their own (`extract`), called from a job."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

import structlog

from holdfast.core.files import queries
from holdfast.core.files.models import Derived, Scan, TextState
from holdfast.core.files.service import types
from holdfast.core.files.service.cabinet import cabinet_of, parts_of
from holdfast.core.files.service.processes import Made, run
from holdfast.core.files.service.recognising import reader_of, recognise
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.storage import Storage, key_of
from holdfast.kernel.work import Works

SIDE = 512  # pixels of a thumbnail
LARGEST = 64 * 1024 * 1024  # bytes of a content that is looked into
_PICTURES = (types.PNG, types.JPEG, types.GIF, types.WEBP, types.TIFF, types.BMP)
_THUMBNAILS = {types.PDF: "page"} | dict.fromkeys(_PICTURES, "image")
_TEXTS = {types.PDF: "pdf", types.DOCX: "docx", types.XLSX: "xlsx", types.TEXT: "plain"}
# Of these the text may be one that only the eye sees.
_SEEN = frozenset({types.PDF, *_PICTURES})

log = structlog.get_logger("holdfast.files")


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a content."""

    derived: Derived
    text_state: TextState
    has_thumbnail: bool = False
    has_text: bool = False


NOTHING = Look(Derived.NOTHING, TextState.NONE)


# lint: allow verb – for the job, which runs as the system
async def derive(works: Works, tenant_id: UUID, object_id: UUID) -> Derived:
    """Make thumbnail and text of a content and say what came of it; called again it makes them again.

    A content that the antivirus holds back is left alone, and of one that is gone nothing is made or stays.
    """
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        content = await queries.find_content(work, object_id=object_id)
        if content is None:
            return Derived.NOTHING
        kind, size, infected = content.media_type, content.size, content.scan is Scan.INFECTED
    if infected or not 0 < size <= LARGEST or not (kind in _THUMBNAILS or kind in _TEXTS):
        return await _note(works, tenant_id, object_id, NOTHING)
    storage = cabinet_of(works).storage
    with tempfile.TemporaryFile() as held:
        await _fetch(storage, key_of(tenant_id, object_id), held)
        thumbnail = await run(_THUMBNAILS[kind], held, str(SIDE)) if kind in _THUMBNAILS else Made()
        text, state = await _text_of(works.settings, kind, held, broken=thumbnail.fault)
    made = {"thumb": thumbnail, "text": text}
    for part, each in made.items():
        if each.content:
            await storage.put(key_of(tenant_id, object_id, part), _once(each.content))
    faults = {part: each.fault for part, each in made.items() if each.fault}
    if faults:
        log.info("content_not_derived", object_id=str(object_id), media_type=kind, **faults)
    there = [bool(each.content) for each in made.values()]
    status = Derived.DONE if any(there) else Derived.FAILED if faults else Derived.NOTHING
    return await _note(works, tenant_id, object_id, Look(status, state, *there))


async def _text_of(settings: Settings, kind: str, held: BinaryIO, *, broken: str | None) -> tuple[Made, TextState]:
    """Return the text that a content has, or that can be read in its picture, and which of the two it is."""
    text = await run(_TEXTS[kind], held) if kind in _TEXTS else Made(fault=broken)
    if text.fault is not None:
        return text, TextState.FAILED
    if text.content:
        return text, TextState.LAYER
    if kind not in _SEEN:
        return text, TextState.NONE
    program = reader_of(settings)
    if program is None:
        return text, TextState.NO_TEXT_LAYER
    text = await recognise(program, settings.ocr_languages, held)
    if text.fault is not None:
        return text, TextState.FAILED
    return text, TextState.RECOGNISED if text.content else TextState.NONE


async def _fetch(storage: Storage, key: str, held: BinaryIO) -> None:
    async for block in storage.get(key):
        await asyncio.to_thread(held.write, block)
    await asyncio.to_thread(held.flush)


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _note(works: Works, tenant_id: UUID, object_id: UUID, look: Look) -> Derived:
    async with works.begin(tenant_id, SYSTEM) as work:
        content = await queries.find_content(work, object_id=object_id, lock=True)
        if content is not None:
            content.derived, content.text_state = look.derived, look.text_state
            content.has_thumbnail, content.has_text = look.has_thumbnail, look.has_text
            return look.derived
    # Its bytes went while we looked at them: what was made of them goes, too.
    await cabinet_of(works).storage.delete(*parts_of(tenant_id, object_id))
    return Derived.NOTHING
