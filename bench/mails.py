"""python -m bench.mails: mails from the outbox to a mail server, beside aiosmtplib alone.

--mails N (1000), --rounds N (5), --connections N (4), --places sqlite,postgresql, --strict (exit 1 where a promise is
not kept). Ours is the whole way: taken in hand, opened, written as text and HTML, sent by SMTP, settled, with every
lock on. The floor pushes the same bytes over as many connections, with nothing before and after. Both take turns at one
sink, which takes everything, in a process of its own. What is collected, and what PostgreSQL knows of its tables, is as
in a server that has run for a while. The wall clock moves with what else the machine does; CPU hardly does.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID

import aiosmtplib
import asyncpg

from bench.data import POSTGRES, Dialect, Place, place
from bench.load import cpu
from bench.report import OUT, Line
from bench.servers import free_port
from holdfast.core.identity import queries
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.service.sending import AT_ONCE, send_of
from holdfast.core.notify.service.transports import Verdict
from holdfast.core.notify.service.transports.messages import Mail, written
from holdfast.core.notify.service.transports.smtp import Server, SmtpTransport
from holdfast.kernel.clock import system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.telemetry import configure_logging, settle_garbage_collector
from holdfast.main import Installation, open_installation

RATIO = 0.6
LINK = "https://bench.example/console/reset-password#token=" + "x" * 86


@dataclass(frozen=True)
class Spent:
    """What one round took: mails a second, and the CPU a mail of this process and of the sink in µs."""

    rate: float
    cpu: float
    sink: float

    def text(self) -> str:
        """Return it as it is printed."""
        return f"{self.rate:.0f}/s {self.cpu:.0f} µs CPU and {self.sink:.0f} of the sink"


@asynccontextmanager
async def sinking() -> AsyncIterator[tuple[int, int]]:
    """Yield the port and the process id of a sink in a process of its own."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.sink", str(port)]) as process:
        try:
            await _reached(port)
            yield port, process.pid
        finally:
            process.terminate()


async def _reached(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the sink does not answer")


async def timed(count: int, sink: int, run: Callable[[], Awaitable[None]]) -> Spent:
    """Return what a run of so many mails took."""
    begun, spent, taken = time.perf_counter(), _cpu(), cpu([sink])
    await run()
    rate = count / (time.perf_counter() - begun)
    return Spent(rate, (_cpu() - spent) / count * 1e6, (cpu([sink]) - taken) / count * 1e6)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def push(port: int, connections: int, mails: Sequence[Mail], raw: bytes) -> None:
    """Push the same bytes for each mail with aiosmtplib alone."""
    left = iter(mails)

    async def one() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, use_tls=False) as client:
            for mail in left:
                await client.sendmail(mail.sender, [mail.to], raw)

    await asyncio.gather(*(one() for _ in range(connections)))


async def transport_alone(transport: SmtpTransport, mails: Sequence[Mail]) -> None:
    """Send mails by our transport, as many at once as the whole way has in hand."""
    left = iter(mails)

    async def one() -> None:
        for mail in left:
            assert (await transport.send(mail)).verdict is Verdict.SENT

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def whole_way(home: Installation, transport: SmtpTransport, tenant_id: UUID, count: int) -> None:
    """Send what waits in the outbox."""
    done = await send_of(home.works, transport, tenant_id)
    assert sum(done.values()) == done["sent"] == count, done


async def fill(home: Installation, at: Place, count: int) -> None:
    """Let so many messages wait."""
    async with home.works.begin(at.floor.tenant_id, SYSTEM) as work:
        user = await queries.find_user_by_name(work, name_key="admin@bench.test")
        assert user is not None
        for _ in range(count):
            await notify(work, user, "password_reset", link=LINK)
    if at.dialect == "postgresql":
        # as autovacuum does each minute: what is planned for an empty table reads all of a full one
        owner = await asyncpg.connect(f"{POSTGRES}/{at.name}")
        await owner.execute("VACUUM ANALYZE notice")
        await owner.close()


async def compare(dialect: Dialect, folder: Path, asked: argparse.Namespace) -> Line:
    """Return the rate of the whole way beside aiosmtplib's, taking turns."""
    async with place(dialect, folder) as at, sinking() as (port, sink):
        settings = Settings(_env_file=None, **{name.lower(): value for name, value in at.environment.items()})  # type: ignore[arg-type,call-arg]
        configure_logging(settings.model_copy(update={"log_level": "WARNING"}))
        home = open_installation(settings)
        transport = SmtpTransport(Server("127.0.0.1", port, tls="none"), connections=asked.connections)
        mail = _example()
        raw, mails = written(mail), [mail] * asked.mails
        tenant_id = at.floor.tenant_id
        runs: Mapping[str, Callable[[], Awaitable[None]]] = {
            "aiosmtplib": lambda: push(port, asked.connections, mails, raw),
            "the whole way": lambda: whole_way(home, transport, tenant_id, asked.mails),
            "our transport": lambda: transport_alone(transport, mails),
        }
        rounds: list[Mapping[str, Spent]] = []
        try:
            for number in range(asked.rounds + 1):
                await fill(home, at, asked.mails)
                if number == 1:
                    settle_garbage_collector()
                rounds.append({name: await timed(asked.mails, sink, run) for name, run in runs.items()})
                told = ", ".join(f"{name} {each.text()}" for name, each in rounds[-1].items())
                print(f"{dialect}{', warming up' if number == 0 else ''}: {told}", flush=True)
        finally:
            await transport.close()
            await home.close()
    for name in ("our transport", "the whole way"):
        rate = median(each[name].rate / each["aiosmtplib"].rate for each in rounds[1:])
        spent = median(each["aiosmtplib"].cpu / each[name].cpu for each in rounds[1:])
        print(f"{dialect}: {name} / aiosmtplib: rate {rate:.2f}, mails a CPU second {spent:.2f}", flush=True)
    return Line(f"mails: the whole way / aiosmtplib, {dialect}", rate, RATIO, at_least=True)


def _example() -> Mail:
    """Return a mail like those of the outbox: the floor pushes its bytes."""
    text = f"Hello Bench Admin,\n\nchoose a new password here, within thirty minutes:\n\n{LINK}\n\nElse do nothing.\n"
    html = f"<!doctype html><html><body>{'<p style=color:#111827>' * 10}{text}</body></html>" + " " * 600
    names = {"sender": "no-reply@bench.example", "sender_name": "Holdfast", "to": "admin@bench.test"}
    return Mail(key="k" * 90, **names, subject="A new password", text=text, html=html, written_at=system_clock())


async def main() -> int:
    """Measure and print; return 1 with --strict where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.mails", description=__doc__)
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--places", default="sqlite,postgresql")
    parser.add_argument("--strict", action="store_true")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for dialect in asked.places.split(","):
        with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=OUT) as folder:
            lines.append(await compare(dialect, Path(folder), asked))
    for line in lines:
        print(line.text())
    return int(asked.strict and not all(line.passed for line in lines))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
