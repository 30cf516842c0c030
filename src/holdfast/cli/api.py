"""`holdfast routes` and `holdfast openapi`: what the API offers."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from starlette.types import Message, Scope

from holdfast.cli.terminal import quiet, say
from holdfast.kernel.discovery import discover, lock_difference, routes_lock
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.settings import Settings
from holdfast.main import create_app, open_installation

LOCK = Path("routes.lock")


def routes(
    *,
    check: Annotated[bool, typer.Option("--check", help="Compare with ./routes.lock instead of writing.")] = False,
) -> None:
    """Write each operation with its permission and file: the text of routes.lock.

    Example: holdfast routes > routes.lock
    """
    endpoints = discover(installed_apps())
    if not check:
        say(routes_lock(endpoints).rstrip("\n"))
        return
    difference = lock_difference(LOCK.read_text(), endpoints)
    if difference is not None:
        raise ConfigurationError(difference)


def openapi() -> None:
    """Write the API's description as JSON (OpenAPI 3.1), without a server.

    Example: holdfast openapi > openapi.json
    """
    say(asyncio.run(_ask("/api/openapi.json")).decode())


async def _ask(path: str) -> bytes:
    """Return what the application answers to GET, asked in this process."""
    settings = Settings().model_copy(update={"allowed_hosts": ()})
    home = open_installation(settings)
    parts: list[bytes] = []
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    try:
        app = create_app(settings, home)
        quiet(settings)
        await app(scope, receive, send)
    finally:
        await home.close()
    if status != 200:
        raise ConfigurationError(f"{path} answers {status}; the log says why.")
    return b"".join(parts)
