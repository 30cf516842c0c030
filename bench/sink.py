"""python -m bench.sink PORT: a mail server that takes everything and keeps nothing."""

import asyncio
import sys


async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take every mail of one connection."""
    writer.write(b"220 sink\r\n")
    try:
        while line := await reader.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 2.0.0 taken\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250-sink\r\n250 8BITMIME\r\n" if word == b"EHLO" else b"250 OK\r\n")
    except ConnectionError:
        return
    finally:
        writer.close()


async def serve_sink(port: int) -> None:
    """Serve the sink until the process is ended."""
    server = await asyncio.start_server(sink, "127.0.0.1", port, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve_sink(int(sys.argv[1])))
