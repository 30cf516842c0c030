"""Doing something in a process of its own, whose memory goes with it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from holdfast.cli.terminal import complain


def apart(act: Callable[[], None]) -> int:
    """Do it in a copy of this process, which has one thread; return the exit code, after a line on what went wrong.

    What ends this process while it waits ends the copy, too.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    copy = os.fork()
    if copy == 0:
        os._exit(_code(act))

    def end(number: int, _: FrameType | None) -> None:
        os.kill(copy, number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        _, status = os.waitpid(copy, 0)
    except KeyboardInterrupt:
        _give_up(copy)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _give_up(copy: int) -> None:
    """Wait for a copy that a terminal's Ctrl-C has reached as well, and end one that it has not."""
    for _ in range(40):
        if os.waitpid(copy, os.WNOHANG)[0] == copy:
            return
        time.sleep(0.05)
    os.kill(copy, signal.SIGTERM)
    os.waitpid(copy, 0)


def _code(act: Callable[[], None]) -> int:
    try:
        act()
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the same line as of any command
        return complain(error)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
