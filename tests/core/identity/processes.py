"""The served program with one worker process or several, and clients of which one knows which process answers them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import httpx

from holdfast.main import Installation
from serving import START_SECONDS, Served, serve

CLIENTS = 8
HERE = "http://127.0.0.1:8000"  # what the program takes for its own address
KEPT = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)


class Line:
    """One connection; who waits for it gets it in turn."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport(limits=KEPT)
        self._turn = asyncio.Lock()
        self.close = self._transport.aclose

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer."""
        async with self._turn:
            answer = await self._transport.handle_async_request(request)
            await answer.aread()
            return answer


class Lent(httpx.AsyncBaseTransport):
    """Connections that outlive the client which uses them, one after the other: each request by the next one."""

    def __init__(self, port: int, *lines: Line) -> None:
        self._port = port
        self._lines = cycle(lines)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to where the program is; the header Host stays what the client wrote."""
        request.url = request.url.copy_with(port=self._port)
        return await next(self._lines).send(request)


@dataclass
class Servers:
    """Eight clients of an installation that is served; with four worker processes, two of each, the first four apart."""

    clients: list[httpx.AsyncClient]
    served: Served

    async def everywhere(self, method: str, url: str, **request: object) -> set[int]:
        """Send a request by every client at once and return the statuses."""
        answers = await asyncio.gather(*(client.request(method, url, **request) for client in self.clients))
        return {answer.status_code for answer in answers}

    async def around(
        self, url: str, headers: dict[str, str], act: Callable[[], Awaitable[httpx.Response]]
    ) -> tuple[set[int], set[int]]:
        """Ask by all clients without pause while something is done; statuses of what began before its answer and after.

        What is done has a connection of its own, as it would have.
        """
        loop = asyncio.get_running_loop()
        begun: list[tuple[float, int]] = []
        enough: dict[httpx.AsyncClient, asyncio.Event] = {client: asyncio.Event() for client in self.clients}
        answered = float("inf")

        async def knock(client: httpx.AsyncClient) -> None:
            later = 0
            while later < 3:
                at = loop.time()
                begun.append((at, (await client.get(url, headers=headers)).status_code))
                enough[client].set()
                later += at >= answered

        async with asyncio.timeout(60):
            knocking = [asyncio.create_task(knock(client)) for client in self.clients]
            await asyncio.gather(*(event.wait() for event in enough.values()))
            answer = await act()
            answered = loop.time()
            await asyncio.gather(*knocking)
        assert answer.is_success, answer.text
        before = {status for at, status in begun if at < answered}
        return before, {status for at, status in begun if at >= answered}


class Site:
    """An installation, served until the tests are over, with a connection for each client that stays with its process."""

    def __init__(self, served: Served, workers: int) -> None:
        self.served = served
        self.workers = workers
        self._lines: list[Line] = []

    @classmethod
    async def open(cls, stack: ExitStack, home: Installation, workers: int) -> "Site":
        """Serve an installation in so many worker processes."""
        # A process that a busy machine starts slowly is not to be ended for it.
        patient = {"UVICORN_TIMEOUT_KEEP_ALIVE": "3600", "UVICORN_TIMEOUT_WORKER_HEALTHCHECK": "60"}
        more = {"RATE_LIMIT_ENABLED": "false", "POOL_SIZE": "3", **patient}
        context = serve(home.settings, workers=workers, **more)
        made = cls(await asyncio.to_thread(stack.enter_context, context), workers)
        await made._connect()
        return made

    async def _connect(self) -> None:
        """Open connections until each process has its share, which the system deals out as it likes."""
        share = CLIENTS // self.workers
        held: dict[int, list[Line]] = {}
        deadline = time.monotonic() + START_SECONDS
        while len(held) < self.workers or any(len(lines) < share for lines in held.values()):
            assert time.monotonic() < deadline, f"{len(held)} of {self.workers} processes answer"
            line = Line()
            answer = await line.send(httpx.Request("GET", f"{self.served.url}/health/live"))
            own = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
            process = await asyncio.to_thread(self._process_of, own)
            if process and len(held.setdefault(process, [])) < share:
                held[process].append(line)
            else:
                await line.close()
                await asyncio.sleep(0.01)  # the others may be starting still
        self._lines = [lines[turn] for turn in range(share) for lines in held.values()]

    def _process_of(self, port: int) -> int:
        """Return which of the served processes holds the connection from a port of ours, 0 where none is seen to."""
        ends = f":{self.served.port:04X}", f":{port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        held = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1])}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError):
                ours = os.getpgid(int(process.name)) == self.served.process.pid
                if ours and any(str(handle.readlink()) in held for handle in (process / "fd").iterdir()):
                    return int(process.name)
        return 0

    def client(self, *lines: Line) -> httpx.AsyncClient:
        """Return a client over these connections, or over all: every request then goes to another process."""
        lent = Lent(self.served.port, *(lines or self._lines))
        return httpx.AsyncClient(transport=lent, base_url=HERE, timeout=60)

    def servers(self) -> Servers:
        """Return eight clients that have no cookies yet."""
        return Servers([self.client(line) for line in self._lines], self.served)

    async def close(self) -> None:
        """Close the connections."""
        for line in self._lines:
            await line.close()


class Sites:
    """The installations that are served, by database and number of processes; each begun when first asked for."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Site] = {}
        self._stack = ExitStack()

    async def get(self, home: Installation, workers: int) -> Site:
        """Return an installation as it is served by so many processes."""
        key = (home.database.dialect, workers)
        if key not in self._open:
            self._open[key] = await Site.open(self._stack, home, workers)
        return self._open[key]

    @classmethod
    @asynccontextmanager
    async def all(cls) -> AsyncIterator["Sites"]:
        """Yield them, and end what was begun."""
        made = cls()
        try:
            yield made
        finally:
            for site in made._open.values():
                await site.close()
            await asyncio.to_thread(made._stack.close)
