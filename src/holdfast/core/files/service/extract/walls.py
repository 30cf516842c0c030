"""Whether the walls stand: tries what no process behind them may do, and says what it could do all the same."""

import os
import socket
from collections.abc import Callable

from holdfast.core.files.service.extract.confinement import MEMORY, confine, tell


def main() -> None:
    """Say which of opening a file, opening a socket, and taking too much memory was possible."""
    confine()
    tell(broken=[name for name, act in ACTS.items() if _possible(act)])


def _open_file() -> None:
    os.close(0)  # a number that is free again
    os.open("/", os.O_RDONLY)


def _open_socket() -> None:
    socket.socket().close()


def _take_memory() -> None:
    bytearray(MEMORY + 1)


ACTS = {"open files": _open_file, "open sockets": _open_socket, "take more memory": _take_memory}


def _possible(act: Callable[[], None]) -> bool:
    try:
        act()
    except (OSError, MemoryError):
        return False
    return True


if __name__ == "__main__":
    main()
