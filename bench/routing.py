"""What the router adds to a request: the first and the last of 800 routes, 404 and 405, in this process.

python bench/routing.py
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Router

from holdfast.kernel.discovery.routing import Alias, IndexedRouter
from holdfast.kernel.errors import HoldfastError

APPS, FOLDERS, FILES = 5, 16, 5
ROUNDS, REQUESTS = 9, 2_000
LAST_ADDS, REFUSAL_TAKES = 60.0, 50.0


async def nothing() -> None:
    """Stand in for an endpoint: the routing alone is measured."""


def table() -> list[APIRoute]:
    """Return 800 operations in 400 places, five applications of sixteen folders of five files."""
    routes: list[APIRoute] = []
    for app in range(APPS):
        for folder in range(FOLDERS):
            for file in range(FILES):
                below = ("", "/{item_id}", "/{item_id}/close", "/{item_id}/notes", "/{item_id}/notes/{note_id}")[file]
                path = f"/api/v1/app{app}/folder{folder}{below}"
                routes += [APIRoute(path, nothing, methods=[method]) for method in ("GET", "POST")]
    for route in routes:
        route.handle = answer  # type: ignore[method-assign]
    return routes


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer nothing at once."""


async def microseconds(router: Callable[..., Any], method: str, path: str) -> float:
    """Return the best of several rounds, in microseconds a request."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
            with suppress(HoldfastError):
                await router(scope, None, None)
        best = min(best, (time.perf_counter() - begun) / REQUESTS * 1e6)
    return best


async def linear(router: Callable[..., Any], path: str) -> float:
    """Return what the framework's own list takes, one round."""
    begun = time.perf_counter()
    for _ in range(50):
        await router({"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}, None, None)
    return (time.perf_counter() - begun) / 50 * 1e6


async def main() -> int:
    """Print the figures and their ratios; return 1 where a target is missed."""
    routes = table()
    ours, theirs = IndexedRouter(routes=routes, alias=Alias()), Router(routes=routes)
    first_path, last_path = "/api/v1/app0/folder0", f"/api/v1/app{APPS - 1}/folder{FOLDERS - 1}/7/notes/9"
    first, last = await microseconds(ours, "GET", first_path), await microseconds(ours, "POST", last_path)
    missing = await microseconds(ours, "GET", last_path + "/nowhere")
    outside = await microseconds(ours, "GET", "/wp-login.php")
    wrong = await microseconds(ours, "DELETE", last_path)
    renamed = await microseconds(ours, "GET", last_path.replace("/api/v1/", "/api/"))
    by_list = await linear(theirs, last_path)
    print(f"{len(routes)} routes, microseconds a request")
    print(f"first {first:6.1f}   last {last:6.1f}   last / first {last / first:.2f}   added {last - first:.1f}")
    print(f"list's last {by_list:6.1f}   list / index {by_list / last:.0f}")
    print(f"404 {missing:6.1f}   404 elsewhere {outside:6.1f}   405 {wrong:6.1f}   405 / last {wrong / last:.2f}")
    print(f"old address {renamed:6.1f}   old / new {renamed / last:.2f}")
    return int(last - first > LAST_ADDS or max(missing, outside, wrong) > REFUSAL_TAKES)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
