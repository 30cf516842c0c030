"""`holdfast worker`: runs jobs, without the web server."""

import asyncio
import signal
from typing import Annotated

import typer

from holdfast.cli.serve import refuse_unsafe
from holdfast.cli.terminal import say
from holdfast.kernel.settings import Settings, override
from holdfast.kernel.telemetry import configure_logging, settle_garbage_collector, start_error_reports
from holdfast.main import open_installation, prepare


def worker(
    *,
    concurrency: Annotated[int | None, typer.Option(min=1, max=256, help="Jobs that it runs at once.")] = None,
) -> int:
    """Run jobs until Ctrl-C; any number of workers may run, beside servers or instead of them.

    Example: holdfast worker --concurrency 8
    """
    settings = override(**({} if concurrency is None else {"jobs_concurrency": str(concurrency)}))
    refuse_unsafe(settings, reload=False)
    asyncio.run(_work(settings))
    return 0


async def _work(settings: Settings) -> None:
    home = open_installation(settings)
    configure_logging(settings, on_error=home.telemetry.log_errors.inc)
    start_error_reports(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    try:
        await prepare(home)
        home.waker.start()
        engine = home.engine()
        engine.start()
        settle_garbage_collector()
        runs = f"runs jobs, {settings.jobs_concurrency} at once"
        waits = "runs no jobs, for READ_ONLY is on: start it again without"
        say(f"{settings.app_name} {waits if settings.read_only else runs} (Ctrl-C stops it)")
        await stopped.wait()
        await engine.stop(settings.shutdown_seconds)
        await home.tidy()
    finally:
        await home.waker.stop()
        await home.close()
