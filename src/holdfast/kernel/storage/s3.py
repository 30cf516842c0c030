"""An S3-compatible service as storage, through obstore (extra `s3`)."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.storage import BLOCK, Listed, Receipt, StorageUnavailable

PART = 5 * 1024 * 1024  # the smallest part that S3 takes, so the least that is held
PARTS_AT_ONCE = 2
RETRIES, RETRY_SECONDS = 3, 20


class S3Settings(Protocol):
    """The settings that this module reads."""

    @property
    def s3_bucket(self) -> str: ...  # noqa: D102
    @property
    def s3_endpoint_url(self) -> str: ...  # noqa: D102
    @property
    def aws_access_key_id(self) -> str: ...  # noqa: D102
    @property
    def aws_secret_access_key(self) -> str: ...  # noqa: D102
    @property
    def aws_region(self) -> str: ...  # noqa: D102


def open_s3(settings: S3Settings) -> "S3Storage":
    """Return the storage in the bucket that the settings name; nothing is asked of it yet.

    Raises ConfigurationError naming the setting that is missing, or the extra.
    """
    if not settings.s3_bucket:
        raise ConfigurationError("STORAGE=s3 needs S3_BUCKET.")
    if bool(settings.aws_access_key_id) != bool(settings.aws_secret_access_key):
        raise ConfigurationError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together.")
    try:
        import obstore  # noqa: PLC0415 - an extra
        import obstore.store  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("STORAGE=s3 needs the extra `s3`: pip install 'holdfast[s3]'.") from None
    given = {
        "endpoint": settings.s3_endpoint_url,
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": settings.aws_secret_access_key,
        "region": settings.aws_region,
    }
    store = obstore.store.S3Store(
        settings.s3_bucket,
        client_options={"allow_http": settings.s3_endpoint_url.startswith("http:")},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]
    )
    return S3Storage(store, obstore)


class S3Storage:
    """Objects in a bucket, written in parts; a bucket with versions keeps what is removed here."""

    def __init__(self, store: Any, library: Any) -> None:
        self._store, self._library = store, library

    async def put(self, key: str, blocks: AsyncIterator[bytes]) -> Receipt:
        """Write an object in parts; where that fails, none of them stays."""
        hashing, size = hashlib.sha256(), 0
        broken: list[BaseException] = []

        async def hashed() -> AsyncIterator[bytes]:
            nonlocal size
            try:
                async for block in blocks:
                    await asyncio.to_thread(hashing.update, block)
                    size += len(block)
                    yield block
            except BaseException as error:
                broken.append(error)
                raise

        try:
            with self._faults():
                how = {"use_multipart": True, "chunk_size": PART, "max_concurrency": PARTS_AT_ONCE}
                await self._library.put_async(self._store, key, hashed(), **how)
        except Exception:
            if broken:  # what the caller meant, not what became of it on the way through the library
                raise broken[0] from None
            raise
        return Receipt(size, hashing.digest())

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a range in blocks."""
        if stop is not None and stop <= start:
            return
        span: Any = {"offset": start} if stop is None else (start, stop)
        with self._faults():
            found = await self._library.get_async(self._store, key, options={"range": span} if start or stop else None)
            async for block in found.stream(min_chunk_size=BLOCK):
                yield bytes(block)

    async def size(self, key: str) -> int | None:
        """Return how many bytes an object has, None where there is none."""
        try:
            with self._faults():
                found = await self._library.head_async(self._store, key)
        except StorageUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        return int(found["size"])

    async def delete(self, *keys: str) -> None:
        """Remove objects."""
        for key in keys:
            try:
                with self._faults():
                    await self._library.delete_async(self._store, key)
            except StorageUnavailable as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    raise

    async def find(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield the objects of a tenant."""
        with self._faults():
            async for some in self._library.list(self._store, prefix, chunk_size=500):
                for each in some:
                    yield Listed(each["path"], each["size"], each["last_modified"])

    async def tidy(self, before: datetime) -> None:
        """Do nothing: parts of uploads that died are removed by a rule of the bucket (docs/guides/files.md)."""

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StorageUnavailable("The content is not where it should be.", retry_after=60) from error
        except (self._library.exceptions.BaseError, OSError) as error:
            raise StorageUnavailable from error
