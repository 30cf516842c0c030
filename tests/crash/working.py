"""Worker processes of a test's own: started, killed, looked after."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from holdfast.kernel.settings import Settings
from serving import environment

COMMAND = (sys.executable, "-c", "import sys; from holdfast.cli import main; sys.exit(main())", "worker")
QUICK = {"JOBS_LEASE_SECONDS": "1", "JOBS_POLL_SECONDS": "0.05", "JOBS_CONCURRENCY": "3"}
START_SECONDS = 60.0


class Worker:
    """A process that runs jobs."""

    def __init__(self, settings: Settings, name: str, **more: str) -> None:
        self._log = Path(settings.holdfast_home) / f"worker-{name}.log"
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                COMMAND,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment(settings, **{**QUICK, **more}),
                cwd=settings.holdfast_home,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "runs jobs" not in self.log:
            assert self.process.poll() is None, f"the worker ended with {self.process.returncode}:\n{self.log[-3000:]}"
            assert time.monotonic() < deadline, f"not ready within {START_SECONDS} s:\n{self.log[-3000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the worker did not stop:\n{self.log[-3000:]}") from None
