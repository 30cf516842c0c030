"""Running the programs of `extract`: each in a process of its own, which is ended with all that it started."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

import holdfast

SECONDS = 30.0
PIECE = 64 * 1024
MOST_MADE = 16 * 1024 * 1024
_MODULE = "holdfast.core.files.service.extract"
_ROOT = str(Path(holdfast.__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Made:
    """What a process made and said of it: bytes, or why it did not."""

    content: bytes = b""
    fault: str | None = None
    told: dict[str, Any] = field(default_factory=dict)


# lint: allow verb – starts a process, no row is read
async def run(maker: str, held: BinaryIO, *arguments: str, seconds: float | None = None) -> Made:
    """Return what a program of `extract` makes of a content; whatever happens to it is a fault of the content."""
    made = await written_by(maker, held, *arguments, seconds=seconds)
    if made.fault is not None:
        return made
    head, _, content = made.content.partition(b"\n")
    try:
        told = orjson.loads(head)
    except orjson.JSONDecodeError:
        return Made(fault="spoke another language")
    if not isinstance(told, dict) or told.get("size") != len(content):
        return Made(fault="was cut short")
    return Made(content, told=told)


# lint: allow verb – starts a process, no row is read
async def written_by(maker: str, held: BinaryIO, *arguments: str, seconds: float | None = None) -> Made:
    """Return all that a program of `extract` writes."""
    held.seek(0)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-s", "-P", "-X", "utf8", "-m", f"{_MODULE}.{maker}", *arguments),
        stdin=held,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": _ROOT, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS if seconds is None else seconds):
            # One byte more than may come tells that more would.
            written = await _read(process.stdout, MOST_MADE + 1)
            if len(written) > MOST_MADE:
                return Made(fault="made too much")
            status = await process.wait()
    except TimeoutError:
        return Made(fault="took too long")
    finally:
        # Its whole group: what it started would outlive it, and hold its output open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        while await process.stdout.read(PIECE):  # what it wrote before holds up the end
            pass
        await process.wait()
    return Made(written) if status == 0 else Made(fault=f"ended with {status}")


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    held = bytearray()
    while len(held) < most:
        piece = await stream.read(most - len(held))
        if not piece:
            break
        held += piece
    return bytes(held)
