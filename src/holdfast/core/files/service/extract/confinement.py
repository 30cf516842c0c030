"""The walls around a process that reads a foreign file."""

import codecs
import io
import json
import resource
import sys

MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20
CODECS = ("ascii", "cp1252", "cp437", "idna", "latin-1", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
MOST_TEXT = 4 * 1024 * 1024


def confine() -> None:
    """Let this process open no file and no socket any more, start no process, and use so much memory and time at most.

    Where it runs as root, the system lets it start processes all the same.
    """
    for name in CODECS:  # they are loaded when first used, which is too late behind the walls
        codecs.lookup(name)
    # What is open stays so. With any number above zero one that is closed could be used for another file.
    limit(memory=MEMORY, cpu_seconds=CPU_SECONDS, files=0, written=64 * 1024 * 1024)


def limit(*, memory: int, cpu_seconds: int, files: int, written: int) -> None:
    """Set the limits of setrlimit(2), which cannot be raised again: bytes, seconds, open files, bytes of a file."""
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, files),
    ):
        resource.setrlimit(kind, (most, most))


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
