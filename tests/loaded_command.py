"""python loaded_command.py SOCKET: a process that has the command loaded, and runs each call in a copy of itself.

To load it takes two seconds, which most calls would spend on nothing else. A call comes over the socket as a line of
JSON (`arguments`, `folder`, `environment`, `streams`: the files for input, output and errors); its exit code goes back.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 60
# What stands in the place of `holdfast` for a shell. What is served is to be a process of its own, as it will be.
PROGRAM = """#!PYTHON -IS
import json, os, socket, sys
if sys.argv[1:2] == ["serve"]:
    os.execv(sys.executable, [sys.executable, "-c", "import sys; from holdfast.cli import main; sys.exit(main())",
                              *sys.argv[1:]])
streams = [f"/proc/{os.getpid()}/fd/{each}" for each in range(3)]
asked = dict(arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ), streams=streams)
with socket.socket(socket.AF_UNIX) as line:
    line.connect("SOCKET")
    line.sendall(json.dumps(asked).encode() + b"\\n")
    sys.exit(int(line.makefile().readline() or 1))
"""


class Loaded:
    """The command in a process that has loaded it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]
    ) -> int:
        """Run it in a copy of the process, with files for input, output and errors, and return its exit code."""
        asked = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "streams": [str(each) for each in streams],
        }
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._path))
            line.sendall(json.dumps(asked).encode() + b"\n")
            return int(line.makefile().readline() or -signal.SIGALRM)

    def write_program(self, path: Path) -> None:
        """Write an executable file that does for a shell what `holdfast` does."""
        path.write_text(PROGRAM.replace("PYTHON", sys.executable).replace("SOCKET", str(self._path)))
        path.chmod(0o700)


@contextmanager
def loaded(folder: Path, environment: Mapping[str, str]) -> Iterator[Loaded]:
    """Yield the command loaded in a process that ends with the block."""
    path = folder / "command.sock"
    with subprocess.Popen([sys.executable, __file__, str(path)], env=environment, stdin=subprocess.PIPE) as process:
        try:
            while not path.exists():
                assert process.poll() is None, "the command could not be loaded"
                time.sleep(0.02)
            yield Loaded(path)
        finally:
            process.kill()


def run(asked: dict[str, Any]) -> int:
    """Do in this copy what a process of its own would do, and return its exit code."""
    from holdfast.cli import main

    os.setsid()
    signal.alarm(SECONDS)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    for number, (path, flags) in enumerate(zip(asked["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(path, flags), number)
    try:
        return main(asked["arguments"])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as Python ends
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve(path: str) -> None:
    """Answer calls until this process is ended."""
    from holdfast.cli.commands import run as _  # noqa: F401 - loaded before, not in each copy

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{path}.new")
        door.listen()
        Path(f"{path}.new").rename(path)
        while True:
            line, _address = door.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    door.close()
                    code = run(json.loads(line.makefile().readline()))
                    line.sendall(f"{code}\n".encode())
                finally:
                    os._exit(0)
            line.close()


if __name__ == "__main__":
    serve(sys.argv[1])
