"""Four processes that serve one installation."""

import asyncio
from dataclasses import dataclass

import httpx

PROCESSES = 4


@dataclass
class Servers:
    """A client for each of the processes that serve the test's installation."""

    clients: list[httpx.AsyncClient]

    async def everywhere(self, method: str, url: str, **request: object) -> set[int]:
        """Send a request to every process at once and return the statuses."""
        answers = await asyncio.gather(*(client.request(method, url, **request) for client in self.clients))
        return {answer.status_code for answer in answers}
