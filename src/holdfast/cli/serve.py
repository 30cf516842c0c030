"""`holdfast serve`: the web server."""

import asyncio
import socket
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from uvicorn.supervisors import ChangeReload, Multiprocess

from holdfast.cli.apart import apart
from holdfast.cli.terminal import say
from holdfast.core.identity.public import issue_setup_link, needs_setup
from holdfast.demo import describe_sign_ins, load_demo
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings, override, refusals
from holdfast.kernel.telemetry import configure_logging
from holdfast.main import Installation, open_installation, prepare
from holdfast.wire import Protocol

FACTORY = "holdfast.main:app_factory"


def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Demo organisations and sign-ins, on loopback only.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the code changes; development.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Number of server processes.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = None,
) -> int:
    """Serve the API and the console until Ctrl-C.

    Example: holdfast serve --workers 4 --host 0.0.0.0
    """
    options = {"demo": "true" if demo else None, "workers": workers, "host": host, "port": port}
    settings = override(**{name: str(value) for name, value in options.items() if value is not None})
    refuse_unsafe(settings, reload=reload)
    configure_logging(settings)
    with listen(settings) as listener:
        place = address(listener)

        def prepare_first() -> None:
            listener.close()
            asyncio.run(_prepare(settings, place))

        # Apart: the first start reads the demo, which takes memory that the server would keep.
        code = apart(prepare_first)
        if code != 0:
            return code
        say(f"{settings.app_name} serves at {place} (Ctrl-C stops it)")
        return _run(settings, listener, reload=reload)


def refuse_unsafe(settings: Settings, *, reload: bool) -> None:
    """Raise ConfigurationError naming every setting under which the server must not start."""
    faults = refusals(settings)
    if reload and settings.environment != "development":
        faults.append(f"--reload is for development, ENVIRONMENT is {settings.environment}.")
    if reload and settings.workers > 1:
        faults.append("--reload runs one process, WORKERS asks for more.")
    if faults:
        raise ConfigurationError(" ".join(faults))


def listen(settings: Settings) -> socket.socket:
    """Return the socket that every worker shares; raise ConfigurationError where the place is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        listener.close()
        place = f"HOST {settings.host}, PORT {settings.port}"
        raise ConfigurationError(f"{place} cannot be listened on: {error.strerror}.") from error
    listener.set_inheritable(True)
    return listener


def address(listener: socket.socket) -> str:
    """Return the address at which a browser on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _prepare(settings: Settings, place: str) -> None:
    """Bring the database up to date once, before any worker starts; load the demo, or tell how to set up."""
    home = open_installation(settings)
    try:
        await prepare(home)
        if settings.demo:
            await _load_demo(home)
            say("\n".join(["Sign in as one of", *describe_sign_ins()]))
        elif await needs_setup(home.works):
            base = settings.public_url.rstrip("/") or place
            say("Nobody can sign in yet. Make the first administrator; the link is good once, for 30 minutes:")
            say(f"  {base}/console/setup?code={await issue_setup_link(home.works)}")
    finally:
        await home.close()


async def _load_demo(home: Installation) -> None:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        transient=True,
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task("Loading the demo", total=None)

        def show(done: int, total: int, label: str) -> None:
            progress.update(task, completed=done, total=total, description=label)

        summary = await load_demo(home.works, show)
    if summary.loaded:
        say(
            f"Loaded {summary.organizations} demo organisations, {summary.companies} companies, {summary.people} people"
        )


def _run(settings: Settings, listener: socket.socket, *, reload: bool) -> int:
    config = uvicorn.Config(
        FACTORY,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        reload=reload,
        loop="uvloop",
        http=Protocol,
        lifespan="on",
        log_config=None,  # the application sets up one chain for all lines
        access_log=False,  # a request has one line, ours
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES decides, in our own middleware
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    if reload:
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()
        return 0
    if settings.workers > 1:
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
        return 3 if any(process.exitcode == 3 for process in supervisor.processes) else 0
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # uvicorn raises it anew once everything has ended well
        server.run(sockets=[listener])
    return 0 if server.started else 3
