"""The walls around a process that reads a foreign file."""

import codecs
import io
import json
import resource
import sys
from pathlib import Path

MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20
CODECS = ("ascii", "cp1252", "cp437", "idna", "latin-1", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
MOST_TEXT = 4 * 1024 * 1024


def confine() -> None:
    """Let this process open no more files and no sockets, start no process, and use so much memory and time at most.

    The limits are those of setrlimit(2); they cannot be raised again.
    """
    for name in CODECS:  # they are loaded when first used, which is too late behind the walls
        codecs.lookup(name)
    listed = Path("/proc/self/fd")
    opened = max(int(each.name) for each in listed.iterdir()) if listed.is_dir() else 9
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 64 * 1024 * 1024),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, opened),
    ):
        resource.setrlimit(kind, (limit, limit))


def content() -> io.BytesIO:
    """Return the content on the standard input."""
    return io.BytesIO(sys.stdin.buffer.read())


def tell(made: bytes = b"", **said: object) -> None:
    """Write what was made, and what is said of it."""
    sys.stdout.buffer.write(json.dumps({"size": len(made), **said}).encode() + b"\n" + made)
    sys.stdout.buffer.flush()


class Text:
    """Text that is gathered up to a limit."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    @property
    def full(self) -> bool:
        """Tell whether there is enough."""
        return self._size >= MOST_TEXT

    def add(self, part: str) -> None:
        """Add a line, without what no text holds."""
        clean = part.replace("\0", "").rstrip()
        if clean and not self.full:
            self._parts.append(clean)
            self._size += len(clean) + 1

    def tell(self) -> None:
        """Write the text; none where there is nothing but blanks."""
        tell("\n".join(self._parts).encode(errors="replace")[: 2 * MOST_TEXT], full=self.full)
