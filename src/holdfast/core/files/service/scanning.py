"""The antivirus: a client of clamd's INSTREAM command.

Sources: clamd(8), the section COMMANDS; ClamAV issues 720 and 1414 on what it passes unscanned.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.core.files.models import Scan
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings

LONGEST_ANSWER = 4096
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What the antivirus said: clean, infected with what, or not scanned and why."""

    scan: Scan
    said: str | None = None


class ScannerFault(Exception):
    """The antivirus cannot be asked."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """A clamd at a socket of this machine (`path`) or at an address."""

    path: str | None
    host: str
    port: int
    timeout: float

    @classmethod
    def of(cls, settings: Settings) -> "Scanner":
        """Return the scanner that CLAMD names; raise ConfigurationError where it cannot be read."""
        scheme, _, place = settings.clamd.partition(":")
        if scheme == "unix" and place.startswith("/"):
            return cls(place, "", 0, settings.clamd_timeout_seconds)
        host, _, port = place.removeprefix("//").rpartition(":")
        if scheme == "tcp" and host and port.isdecimal() and 0 < int(port) < 65536:
            return cls(None, host.strip("[]"), int(port), settings.clamd_timeout_seconds)
        raise ConfigurationError("CLAMD cannot be read: unix:/run/clamav/clamd.ctl or tcp://host:3310.")

    async def scan(self, blocks: AsyncIterator[bytes]) -> Finding:
        """Return what the antivirus says of a content; whatever goes wrong with it is a reason not to be scanned."""
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await self._connect()
        except (OSError, TimeoutError):
            return Finding(Scan.NOT_SCANNED, "the antivirus is out of reach")
        try:
            return await self._ask(reader, writer, blocks)
        except TimeoutError:
            return Finding(Scan.NOT_SCANNED, "the antivirus did not answer in time")
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return Finding(Scan.NOT_SCANNED, "the antivirus broke off")
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def version(self) -> tuple[str, datetime | None]:
        """Return which antivirus it is, and of when its signatures are, None where it has none; raise ScannerFault."""
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await self._connect()
                try:
                    writer.write(b"zVERSION\0")
                    said = (await reader.readuntil(b"\0")).rstrip(b"\0").decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            raise ScannerFault("the antivirus does not answer") from error
        name, _, signatures = said.partition("/")
        _, _, made_at = signatures.partition("/")
        if not made_at:
            return name, None
        try:
            return name, datetime.strptime(made_at.strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        except ValueError:
            raise ScannerFault(f"what it says of its signatures cannot be read: {made_at[:60]!r}") from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.path is not None:
            return await asyncio.open_unix_connection(self.path, limit=LONGEST_ANSWER)
        return await asyncio.open_connection(self.host, self.port, limit=LONGEST_ANSWER)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, blocks: AsyncIterator[bytes]
    ) -> Finding:
        """Send the content in pieces, each with its length before it, and read the answer up to its NUL."""
        answer = asyncio.ensure_future(reader.readuntil(b"\0"))
        try:
            writer.write(b"zINSTREAM\0")
            with suppress(ConnectionError):  # it says why before it closes: too large, or found already
                async for block in blocks:
                    for at in range(0, len(block), PIECE):
                        piece = block[at : at + PIECE]
                        writer.write(struct.pack("!L", len(piece)) + piece)
                        async with asyncio.timeout(self.timeout):
                            await writer.drain()
                    if answer.done():
                        break
                writer.write(struct.pack("!L", 0))
                async with asyncio.timeout(self.timeout):
                    await writer.drain()
            async with asyncio.timeout(self.timeout):
                return _read(await answer)
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)


def _read(answer: bytes) -> Finding:
    """Return what `stream: OK`, `stream: NAME FOUND` or `… ERROR` mean; anything else counts as not scanned."""
    text = answer.rstrip(b"\0").decode(errors="replace").strip().removeprefix("stream: ")
    if text == "OK":
        return Finding(Scan.CLEAN)
    name = text.removesuffix(" FOUND")
    if name != text:
        # What is over a limit or cannot be opened is said to be "found" too: it was not scanned.
        if name in ("", "(null)") or name.startswith("Heuristics.Limits.Exceeded"):
            return Finding(Scan.NOT_SCANNED, "the content is over a limit of the antivirus")
        return Finding(Scan.INFECTED, name[:200])
    if "size limit exceeded" in text:
        return Finding(Scan.NOT_SCANNED, "the content is over a limit of the antivirus")
    return Finding(Scan.NOT_SCANNED, "the antivirus could not scan it")
