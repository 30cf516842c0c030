"""A local folder as storage: an object is written beside its place, synced to the disk, and then renamed."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO

from holdfast.kernel.storage import BLOCK, Listed, Receipt, StorageFull, StorageUnavailable

INCOMING = "incoming"
_KEY = re.compile(r"[0-9a-f-]{36}/[0-9a-f]{2}/[0-9a-f-]{36}(\.[a-z0-9]+)*")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalStorage:
    """Objects as files below one folder, which the server's user alone reads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, key: str, blocks: AsyncIterator[bytes]) -> Receipt:
        """Write an object: a temporary file, synced, renamed, its folder synced."""
        place, unfinished = self._place(key), self.root / INCOMING / secrets.token_hex(16)
        hashing, size, finishing = hashlib.sha256(), 0, False
        try:
            with _faults():
                file = await _through(_open, unfinished)
            with file:

                def write(block: bytes) -> None:
                    hashing.update(block)
                    left = memoryview(block)
                    while left:  # a disk that is nearly full takes a part
                        left = left[file.write(left) :]

                async for block in blocks:
                    with _faults():
                        await _through(write, block)
                    size += len(block)
                finishing = True
                with _faults():
                    await _through(_finish, file, place)
        except BaseException:
            # Nothing waits here: a caller who has gone may have cancelled this task, even while it was renamed.
            with suppress(OSError):  # what went wrong first is what the caller hears
                if finishing and not unfinished.exists():
                    place.unlink()
                unfinished.unlink()
            raise
        return Receipt(size, hashing.digest())

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a range in blocks."""
        place = self._place(key)
        with _faults():
            file = await _through(open, place, "rb", 0)
        with file:
            file.seek(start)
            left = None if stop is None else stop - start
            while left is None or left > 0:
                with _faults():
                    block = await _through(file.read, BLOCK if left is None else min(BLOCK, left))
                if not block:
                    return
                left = None if left is None else left - len(block)
                yield block

    async def size(self, key: str) -> int | None:
        """Return how many bytes an object has, None where there is none."""
        try:
            return (await asyncio.to_thread(self._place(key).stat)).st_size
        except FileNotFoundError:
            return None

    async def delete(self, *keys: str) -> None:
        """Remove objects."""
        places = [self._place(key) for key in keys]

        def remove() -> None:
            for place in places:
                place.unlink(missing_ok=True)

        with _faults():
            await asyncio.to_thread(remove)

    async def find(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield the objects of a tenant, a folder at a time."""
        for folder in await asyncio.to_thread(_folders, self.root / prefix.rstrip("/")):
            for listed in await asyncio.to_thread(_listed, self.root, folder):
                yield listed

    async def tidy(self, before: datetime) -> None:
        """Remove unfinished files that were last written before a moment."""

        def remove() -> None:
            for file in _files(self.root / INCOMING):
                with suppress(FileNotFoundError):
                    if file.stat().st_mtime < before.timestamp():
                        file.unlink()

        await asyncio.to_thread(remove)

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not the address of an object")
        return self.root / key


def _open(place: Path) -> BinaryIO:
    _make(place.parent)
    return open(place, "xb", buffering=0, opener=_private)


async def _through(act: Callable[..., Any], *arguments: object) -> Any:
    """Do it in a thread, to the end also where this task is cancelled: the thread would go on with a closed file."""
    running = asyncio.ensure_future(asyncio.to_thread(act, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled() and running.exception() is None and isinstance(opened := running.result(), IOBase):
            opened.close()
        raise


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _finish(file: BinaryIO, place: Path) -> None:
    os.fsync(file.fileno())
    _make(place.parent)
    Path(file.name).rename(place)
    _sync(place.parent)


def _make(folder: Path) -> None:
    """Make a folder with those above it, each one's entry synced."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _sync(each.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_file()] if folder.is_dir() else []


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def _listed(root: Path, folder: Path) -> list[Listed]:
    found = []
    for file in _files(folder):
        with suppress(FileNotFoundError):
            seen = file.stat()
            written_at = datetime.fromtimestamp(seen.st_mtime, UTC)
            found.append(Listed(file.relative_to(root).as_posix(), seen.st_size, written_at))
    return found


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StorageUnavailable("The content is not where it should be.", retry_after=60) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull("The installation has no room left for files.") from error
        raise StorageUnavailable from error
