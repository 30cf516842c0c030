"""Thumbnails and text of contents, made in processes of their own (`extract`), called from a job."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson
import structlog

import holdfast
from holdfast.core.files import queries
from holdfast.core.files.models import Derived, Scan
from holdfast.core.files.service import types
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.storage import Storage, key_of
from holdfast.kernel.work import Works

SIDE = 512  # pixels of a thumbnail
SECONDS = 30.0
LARGEST = 64 * 1024 * 1024  # bytes of a content that is looked into
PIECE = 64 * 1024
MOST_MADE = 16 * 1024 * 1024
_MODULE = "holdfast.core.files.service.extract"
_ROOT = str(Path(holdfast.__file__).parents[1])
_THUMBNAILS = {types.PDF: "page"} | dict.fromkeys(
    (types.PNG, types.JPEG, types.GIF, types.WEBP, types.TIFF, types.BMP), "image"
)
_TEXTS = {types.PDF: "pdf", types.DOCX: "docx", types.XLSX: "xlsx", types.TEXT: "plain"}

log = structlog.get_logger("holdfast.files")


@dataclass(frozen=True, slots=True)
class Made:
    """What a process made: bytes, or why it did not."""

    content: bytes = b""
    fault: str | None = None


# lint: allow verb – for the job, which runs as the system
async def derive(works: Works, tenant_id: UUID, object_id: UUID) -> Derived:
    """Make thumbnail and text of a content and say what came of it; called again it makes them again.

    A content that the antivirus holds back is left alone. Raises FileNotFound.
    """
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        content = await queries.get_object(work, object_id=object_id)
        kind, size, infected = content.media_type, content.size, content.scan is Scan.INFECTED
    makers = {"thumb": _THUMBNAILS.get(kind), "text": _TEXTS.get(kind)}
    wanted = {part: maker for part, maker in makers.items() if maker is not None}
    if not wanted or infected or not 0 < size <= LARGEST:
        return await _note(works, tenant_id, object_id, Derived.NOTHING, {})
    storage = cabinet_of(works).storage
    made: dict[str, Made] = {}
    with tempfile.TemporaryFile() as held:
        await _fetch(storage, key_of(tenant_id, object_id), held)
        for part, maker in wanted.items():
            made[part] = await run(maker, held)
    for part, each in made.items():
        if each.content:
            await storage.put(key_of(tenant_id, object_id, part), _once(each.content))
    faults = {part: each.fault for part, each in made.items() if each.fault}
    if faults:
        log.info("content_not_derived", object_id=str(object_id), media_type=kind, **faults)
    there = {part: bool(each.content) for part, each in made.items()}
    status = Derived.DONE if any(there.values()) else Derived.FAILED if faults else Derived.NOTHING
    return await _note(works, tenant_id, object_id, status, there)


# lint: allow verb – starts a process, no row is read
async def run(maker: str, held: BinaryIO) -> Made:
    """Return what a program of `extract` makes of a content; whatever happens to it is a fault of the content."""
    held.seek(0)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-s", "-P", "-X", "utf8", "-m", f"{_MODULE}.{maker}", str(SIDE)),
        stdin=held,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": _ROOT, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            # One byte more than may come tells that more would.
            written = await _read(process.stdout, MOST_MADE + 1)
            if len(written) > MOST_MADE:
                return Made(fault="made too much")
            status = await process.wait()
    except TimeoutError:
        return Made(fault="took too long")
    finally:
        if process.returncode is None:
            process.kill()
            while await process.stdout.read(PIECE):  # what it wrote before holds up the end
                pass
            await process.wait()
    head, newline, content = written.partition(b"\n")
    if status != 0 or not newline:
        return Made(fault=f"ended with {status}")
    told: Any = orjson.loads(head)
    return Made(content) if told["size"] == len(content) else Made(fault="was cut short")


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    held = bytearray()
    while len(held) < most:
        piece = await stream.read(most - len(held))
        if not piece:
            break
        held += piece
    return bytes(held)


async def _fetch(storage: Storage, key: str, held: BinaryIO) -> None:
    async for block in storage.get(key):
        await asyncio.to_thread(held.write, block)
    await asyncio.to_thread(held.flush)


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _note(works: Works, tenant_id: UUID, object_id: UUID, status: Derived, there: dict[str, bool]) -> Derived:
    async with works.begin(tenant_id, SYSTEM) as work:
        content = await queries.get_object(work, object_id=object_id, lock=True)
        content.derived = status
        content.has_thumbnail, content.has_text = there.get("thumb", False), there.get("text", False)
    return status
