"""The load: keep-alive connections that each send the next request when the answer is there, and what it cost."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Sample:
    """One round of one server: rate in requests a second, latencies in milliseconds, CPU in microseconds a request."""

    rate: float
    p50: float
    p99: float
    server_cpu: float
    database_cpu: float
    failures: int


class _Client(asyncio.Protocol):
    """One connection: a request at a time, the answer's end found by its Content-Length."""

    def __init__(self, requests: Iterator[bytes], status: bytes, latencies: list[float]) -> None:
        self._requests = requests
        self._status = status
        self._latencies = latencies
        self._buffer = b""
        self._need = 0
        self._started = 0.0
        self.failures: list[bytes] = []
        self.running = True
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._started = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._need:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length: ")
            length = int(head[at + 16 : (head.find(b"\r\n", at) + 1 or len(head) + 1) - 1]) if at >= 0 else 0
            self._need = end + 4 + length
        if len(self._buffer) < self._need:
            return
        self._latencies.append(time.perf_counter() - self._started)
        if self._buffer[9:12] != self._status:
            self.failures.append(self._buffer[:2000])
        self._buffer, self._need = b"", 0
        if self.running:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        if self.running:
            self.failures.append(f"connection lost: {error}".encode())


async def load(
    port: int,
    requests: Iterator[bytes],
    *,
    status: bytes,
    seconds: float,
    connections: int,
    server: int,
    backends: Callable[[], Iterable[int]],
) -> Sample:
    """Send requests for a while and return what was measured."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    database = list(backends())
    before, before_database = cpu([server]), cpu(database)
    started = time.perf_counter()
    clients = [
        (await loop.create_connection(lambda: _Client(requests, status, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for client in clients:
        client.running = False
    await asyncio.wait([client.ended for client in clients], timeout=30)
    elapsed = time.perf_counter() - started
    used, used_database = cpu([server]) - before, cpu(database) - before_database
    failures = [failure for client in clients for failure in client.failures]
    if failures and len(failures) > len(latencies) // 100:
        raise RuntimeError(f"{len(failures)} of {len(latencies)} requests failed, one so: {failures[0]!r}")
    ordered = sorted(latencies)
    count = max(1, len(ordered))
    return Sample(
        rate=len(ordered) / elapsed,
        p50=ordered[count // 2] * 1000,
        p99=ordered[min(count - 1, count * 99 // 100)] * 1000,
        server_cpu=used / count * 1e6,
        database_cpu=used_database / count * 1e6,
        failures=len(failures),
    )


def cpu(processes: Iterable[int]) -> float:
    """Return the CPU seconds that the processes have used, in user and system mode."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory(process: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def middle(samples: Iterable[Sample]) -> Sample:
    """Return the median of each figure over the rounds."""
    rounds = list(samples)

    def of(name: str) -> float:
        return median(getattr(sample, name) for sample in rounds)

    return Sample(
        of("rate"),
        of("p50"),
        of("p99"),
        of("server_cpu"),
        of("database_cpu"),
        sum(sample.failures for sample in rounds),
    )
