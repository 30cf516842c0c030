"""The command `holdfast`."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 refused or failed, 2 not understood, 130 interrupted."""
    try:
        with _left_at_once():
            # lint: allow inner-import – it takes a second or two, in which Ctrl-C is to be as quiet as later
            from holdfast.cli.commands import run  # noqa: PLC0415

        return run(arguments)
    except KeyboardInterrupt:
        return 130


@contextmanager
def _left_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process then and there, while nothing is open yet.

    As an exception it would be lost where it meets a callback of the import system, about once in a hundred times.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # somebody ignores it, as a shell does for what runs in the background, or sees to it
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
