"""Database servers of one test alone: their own folder, their own port, their own processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

import asyncmy
import asyncpg
import pytest

from serving import free_port
from support import APP_ROLE, REQUIRED

SECONDS = 120


def missing(what: str) -> None:
    if REQUIRED:
        pytest.fail(f"{what} is not installed and REQUIRE_SERVICES=1 allows no skip")
    pytest.skip(f"{what} is not installed")


class Cluster(ABC):
    """A server that can be taken away: `stop` in good order, or `stop(kill=True)` as by a crash."""

    account: str

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "data"
        # The servers refuse to run as root.
        self._as = {}
        if os.geteuid() == 0:
            self._as = {"user": self.account, "group": self.account, "extra_groups": []}
            shutil.chown(folder, self.account, self.account)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self, *, kill: bool = False) -> None: ...

    @abstractmethod
    def processes(self) -> list[int]:
        """Return the server's processes; none where it does not run."""

    def freeze(self) -> None:
        """Let every process stand still, as behind a network that is cut: connections stay open, nothing answers."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):  # one that has just ended
                os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    @abstractmethod
    async def addresses(self) -> dict[str, str]:
        """Make a database; return the addresses at which it is served and migrated."""

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [program, *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server would keep a pipe open
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}"


class Postgresql(Cluster):
    account = "postgres"

    def __init__(self, folder: Path) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            missing("PostgreSQL's server")
        super().__init__(folder)
        self._bin = binaries[-1]
        options = ("-U", "postgres", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
        self._call(f"{self._bin}/initdb", "-D", str(self._data), *options)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=40"
        log = str(self._data / "log")
        self._call(f"{self._bin}/pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def stop(self, *, kill: bool = False) -> None:
        self._call(f"{self._bin}/pg_ctl", "-D", str(self._data), "-m", "immediate" if kill else "fast", "-w", "stop")

    def processes(self) -> list[int]:
        file = self._data / "postmaster.pid"
        if not file.exists():
            return []
        server = int(file.read_text().split()[0])
        return [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]

    async def addresses(self) -> dict[str, str]:
        address = f"127.0.0.1:{self.port}"
        admin = await asyncpg.connect(f"postgresql://postgres@{address}/postgres")
        await admin.execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
        await admin.execute("CREATE DATABASE holdfast")
        await admin.close()
        return {
            "database_url": f"postgresql://{APP_ROLE}@{address}/holdfast",
            "migration_database_url": f"postgresql://postgres@{address}/holdfast",
        }


class Mariadb(Cluster):
    account = "mysql"

    def __init__(self, folder: Path) -> None:
        # The server's place is on no path but root's.
        self._server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        if self._server is None or shutil.which("mariadb-install-db") is None:
            missing("MariaDB's server")
        super().__init__(folder)
        self._socket = folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None
        options = ("--auth-root-authentication-method=normal", "--skip-test-db")
        self._call("mariadb-install-db", "--no-defaults", f"--datadir={self._data}", *options)

    def start(self) -> None:
        options = [f"--datadir={self._data}", f"--socket={self._socket}", f"--log-error={self._data}/log"]
        options += ["--bind-address=127.0.0.1", f"--port={self.port}", "--innodb-buffer-pool-size=32M"]
        self._process = subprocess.Popen(
            [self._server, "--no-defaults", *options], cwd="/", stderr=subprocess.DEVNULL, **self._as
        )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise AssertionError((self._data / "log").read_text(errors="replace")[-3000:])

    def stop(self, *, kill: bool = False) -> None:
        assert self._process is not None
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(timeout=SECONDS)

    def processes(self) -> list[int]:
        return [self._process.pid] if self._process is not None and self._process.poll() is None else []

    async def addresses(self) -> dict[str, str]:
        admin = await asyncmy.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        async with admin.cursor() as cursor:
            await cursor.execute("CREATE DATABASE holdfast")
            await cursor.execute(f"CREATE USER {APP_ROLE}")
        await admin.ensure_closed()
        address = f"127.0.0.1:{self.port}"
        return {
            "database_url": f"mysql://{APP_ROLE}@{address}/holdfast",
            "migration_database_url": f"mysql://root@{address}/holdfast",
        }


CLUSTERS = {"postgresql": Postgresql, "mariadb": Mariadb}
