"""python prepared.py: a process that has the command loaded, and runs each call in a copy of itself.

To load it takes two seconds, which most calls would spend on nothing else. Reads a call a line as JSON (`arguments`,
`folder`, `environment`, `streams`: the files for input, output and errors), answers with the exit code.
"""

import json
import os
import signal
import sys
import traceback
from typing import Any

from holdfast.cli import main
from holdfast.cli.commands import run as _  # noqa: F401 - loaded before, not in each copy

SECONDS = 60


def call(asked: dict[str, Any]) -> int:
    """Do in this copy what a process of its own would do, and return its exit code."""
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


def serve() -> None:
    """Answer calls until nobody asks any more."""
    asking, telling = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in asking:
        copy = os.fork()
        if copy == 0:
            code = 1
            try:
                code = call(json.loads(line))
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), file=telling, flush=True)


if __name__ == "__main__":
    serve()
