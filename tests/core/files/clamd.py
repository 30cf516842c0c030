"""A loopback server that speaks clamd's INSTREAM as clamd(8) describes it, and answers by what it was sent."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Clamd:
    """What the server does: `limit` is its StreamMaxLength, `mood` how it misbehaves."""

    port: int = 0
    limit: int = 4 * 1024 * 1024
    mood: str = "well"
    asked: int = 0
    version: bytes = b"ClamAV 1.0.3/27050/Thu Oct  5 07:43:09 2023"
    sizes: list[int] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\0")
        if asked == b"zVERSION\0":
            if self.mood == "silent":
                await asyncio.sleep(30)
            writer.write(self.version + b"\0")
            await writer.drain()
            return
        assert asked == b"zINSTREAM\0"
        if self.mood == "drops":
            return
        content = bytearray()
        while True:
            (size,) = struct.unpack("!L", await reader.readexactly(4))
            if size == 0:
                break
            content += await reader.readexactly(size)
            if len(content) > self.limit:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                return
        self.sizes.append(len(content))
        if self.mood == "silent":
            await asyncio.sleep(30)
        answers = {
            "null": b"stream: (null) FOUND\0",
            "error": b"stream: Can't allocate memory ERROR\0",
            "babble": b"?" * 9000,
        }
        found = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        writer.write(answers.get(self.mood, found))
        await writer.drain()


@asynccontextmanager
async def clamd_running() -> AsyncIterator[Clamd]:
    """Yield a running server."""
    clamd = Clamd()
    server = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
    clamd.port = server.sockets[0].getsockname()[1]
    try:
        yield clamd
    finally:
        server.close()
