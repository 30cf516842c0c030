"""Where the bytes of files are kept: one protocol, a local folder and S3-compatible services behind it.

An object is written once and never changed. Its address is made of ids alone, so no name that a person gave ever
becomes a part of a path.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from holdfast.kernel.errors import HoldfastError, Unavailable

BLOCK = 1024 * 1024  # bytes that are handed on at once


class StorageFull(HoldfastError):
    """The storage has no room left."""

    status, code, title = 507, "STORAGE_FULL", "No room left"


class StorageUnavailable(Unavailable):
    """The storage is out of reach, or lacks what should be there."""

    code, title = "STORAGE_UNAVAILABLE", "Files are out of reach for now"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written: how many bytes, and their SHA-256."""

    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that is there, and when it was written."""

    key: str
    size: int
    written_at: datetime


class Storage(Protocol):
    """What keeps objects. Each method raises StorageUnavailable where the storage does not answer."""

    async def put(self, key: str, blocks: AsyncIterator[bytes]) -> Receipt:
        """Write an object, whole or not at all: it is there for good when this returns, and absent when it raises.

        Raises StorageFull, and whatever the blocks raise.
        """
        ...

    def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to before `stop` in blocks; raise StorageUnavailable for an absent object."""
        ...

    async def size(self, key: str) -> int | None:
        """Return how many bytes an object has, None where there is none."""
        ...

    async def delete(self, *keys: str) -> None:
        """Remove objects; one that is absent is no fault."""
        ...

    def find(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield the objects whose keys begin with a tenant's id and a slash."""
        ...

    async def tidy(self, before: datetime) -> None:
        """Remove what writers that died before a moment left unfinished."""
        ...


def key_of(tenant_id: UUID, object_id: UUID, part: str = "") -> str:
    """Return the address of an object, or of a part of it such as `text`; objects spread over 256 folders."""
    return f"{tenant_id}/{object_id.hex[-2:]}/{object_id}{'.' if part else ''}{part}"


async def blocks_of(pieces: AsyncIterator[bytes], *, size: int = BLOCK) -> AsyncGenerator[bytes, None]:
    """Yield the same bytes in blocks of one size, the last one smaller."""
    kept = bytearray()
    async for piece in pieces:
        kept += piece
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if kept:
        yield bytes(kept)


async def read_all(storage: Storage, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
    """Return bytes of an object that are few enough to hold."""
    return b"".join([block async for block in storage.get(key, start, stop)])


async def read_ahead(blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the same blocks, while the next one is already on its way."""
    source = aiter(blocks)
    coming: asyncio.Future[bytes] | None = asyncio.ensure_future(anext(source))
    try:
        while coming is not None:
            try:
                block = await coming
            except StopAsyncIteration:
                coming = None
                return
            coming = asyncio.ensure_future(anext(source))
            yield block
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
