"""Servers as processes of their own: started, waited for, asked for their back ends, ended."""

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from bench.data import POSTGRES, Place

START_SECONDS = 60.0


@dataclass
class Server:
    """A server that answers, and the processes of its database."""

    port: int
    process: subprocess.Popen[bytes]
    place: Place
    started: float
    backends: Callable[[], list[int]]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(
    place: Place, *, floor: bool, log: Path, environment: dict[str, str] | None = None
) -> AsyncIterator[Server]:
    """Yield our server on a place, or its floor."""
    port = free_port()
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    begun = time.perf_counter()
    others = await _backends(place)
    with log.open("wb") as out:
        if floor:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.floor"], stdin=subprocess.PIPE, stdout=out, stderr=out, env=clean
            )
            assert process.stdin is not None
            pickle.dump(replace(place.floor, port=port), process.stdin)
            process.stdin.close()
        else:
            wanted = {**clean, **place.environment, **(environment or {})}
            process = subprocess.Popen(
                [sys.executable, "-c", "from holdfast.cli import main; main()", "serve", "--port", str(port)],
                stdout=out,
                stderr=out,
                env=wanted,
            )
    try:
        await ready(port, process, log)
        started = time.perf_counter() - begun
        yield await _with_backends(Server(port, process, place, started, list), others)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until /health/ready answers 200; raise RuntimeError with the log where it does not."""
    end = time.perf_counter() + START_SECONDS
    while time.perf_counter() < end:
        if process.poll() is not None:
            break
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.write(b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        if answer.startswith(b"HTTP/1.1 200"):
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"The server did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


async def _backends(place: Place) -> set[int]:
    """Return the processes that serve a PostgreSQL database now, or MariaDB's one process."""
    if place.dialect == "postgresql":
        admin = await asyncpg.connect(f"{POSTGRES}/postgres")
        rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE datname = $1", place.name)
        await admin.close()
        return {row[0] for row in rows}
    if place.dialect == "mysql":
        return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/comm") if _is(path, "mariadbd")}
    return set()


def _is(path: Path, name: str) -> bool:
    try:
        return path.read_text().strip() == name
    except OSError:
        return False


async def _with_backends(server: Server, others: set[int]) -> Server:
    """Open every connection of the pool, so that the back ends are known before anything is measured."""
    request = get(server.place, "/api/v1/auth/me")
    for _ in range(4):
        streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(32)]
        for _, writer in streams:
            writer.write(request * 3)
        await asyncio.sleep(0.2)
        for _, writer in streams:
            writer.close()
    now = await _backends(server.place)
    mine = list(now - others) if server.place.dialect == "postgresql" else list(now)
    return replace(server, backends=lambda: mine)


def get(place: Place, target: str) -> bytes:
    """Return a GET request with the administrator's token."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        f"Authorization: Bearer {place.token}\r\n\r\n"
    ).encode()


def post(place: Place, target: str, body: bytes) -> bytes:
    """Return a POST request of JSON with the administrator's token."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        f"Authorization: Bearer {place.token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
