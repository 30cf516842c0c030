"""Our application under cProfile, switched on once it has served a while; written when the process ends."""

import cProfile
import os
from typing import Any

from starlette.types import ASGIApp

from holdfast.main import app_factory

WARM = 500


def app() -> ASGIApp:
    """Return the application; the profile starts after WARM requests."""
    inner = app_factory()
    profile = cProfile.Profile()
    count = 0

    async def profiled(scope: Any, receive: Any, send: Any) -> None:
        nonlocal count
        count += 1
        if count == WARM:
            profile.enable()
        await inner(scope, receive, send)
        if scope["type"] == "lifespan":
            profile.disable()
            profile.dump_stats(os.environ["BENCH_PROFILE"])

    return profiled
