"""The served program: real processes on a loopback port, started and stopped by the test."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from holdfast.kernel.settings import Settings

START_SECONDS = 60.0  # of a machine that does other things too


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """A running server: its address, its process group, what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log[-3000:]}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready within {START_SECONDS} s:\n{self.log[-3000:]}")

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does, and return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop:\n{self.log[-3000:]}") from None


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment that gives a server these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DB_", "HOLDFAST", "DATABASE"))}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "SECRET_KEY": settings.secret_key,
        "MASTER_KEY": settings.master_key,
        "ENVIRONMENT": settings.environment,
        "HOLDFAST_HOME": str(settings.holdfast_home),
        "DATABASE_URL": settings.database_url,
        "MIGRATION_DATABASE_URL": settings.migration_database_url,
        "SQLITE_SYNCHRONOUS": settings.sqlite_synchronous,
        "JOBS_IN_SERVER": "false",  # it would do those of the tests beside it, in the same database
        **more,
    }


COMMAND = (sys.executable, "-c", "import sys; from holdfast.cli import main; sys.exit(main())", "serve")


@contextlib.contextmanager
def serve(
    settings: Settings,
    *,
    workers: int = 1,
    port: int | None = None,
    by_command: bool = False,
    wait: bool = True,
    **more: str,
) -> Iterator[Served]:
    """Serve an installation in `workers` processes until the block ends; `by_command` as an operator does."""
    chosen = port or free_port()
    log = settings.holdfast_home / f"server-{chosen}.log"
    command = [sys.executable, "-m", "uvicorn", "--factory", "holdfast.main:app_factory", "--host", "127.0.0.1"]
    command += ["--port", str(chosen), "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
    command += ["--http", "holdfast.wire:Protocol"]
    if by_command:
        command = [*COMMAND, "--port", str(chosen), "--workers", str(workers)]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment(settings, PORT=str(chosen), **more),
            cwd=settings.holdfast_home,
            start_new_session=True,
        )
        served = Served(process, chosen, log)
        try:
            if wait:
                served.wait_until_ready()
            yield served
        finally:
            served.kill()
