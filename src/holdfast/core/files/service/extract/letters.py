"""Tesseract in this process's place, within limits of its own: it opens its own data, and sees only our pixels."""

import os
import sys

from holdfast.core.files.service.extract.confinement import limit

FILES = 32  # its libraries and the data of its languages
MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 60


def main() -> None:
    """Become the program, with the arguments behind it."""
    program = sys.argv[1]
    limit(memory=MEMORY, cpu_seconds=CPU_SECONDS, files=FILES, written=0)
    os.execve(program, sys.argv[1:], {"LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1"})  # noqa: S606  no shell, our own list


if __name__ == "__main__":
    main()
