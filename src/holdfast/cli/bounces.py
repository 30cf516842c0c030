"""`holdfast bounces`: what mail servers send back."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, trouble_of
from holdfast.core.notify.public import MAX_BYTES, take_report

STDIN = Path("-")
TRY_AGAIN = os.EX_TEMPFAIL  # a mail server keeps the mail and brings it again
app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Take in what mail servers send back."""


@app.command("read")
def read(
    sources: Annotated[
        list[Path] | None, typer.Argument(help="Files with a mail each, Maildirs, or - for standard input.")
    ] = None,
) -> int:
    """Write down which messages came back or were complained of, and suppress the addresses where nobody is.

    Of a Maildir the new mails are read and moved to `cur`. A mail that tells nothing of our messages is no error: the
    exit code is 75, on which a mail server tries again, where the database is out of reach.

    Example: holdfast bounces read ~/Maildir
    """
    mails = list(_mails(sources or [STDIN]))
    try:
        done = asyncio.run(_take(mails))
    except Exception as error:
        # A file that is not there stays away; a database comes back.
        trouble = None if isinstance(error, OSError) and error.filename else trouble_of(error)
        if trouble is None:
            raise
        sys.stderr.write(f"holdfast: {trouble}\n")
        return TRY_AGAIN
    told = ", ".join(f"{count} {state}" for state, count in sorted(done.items()))
    say(f"{len(mails)} {'mail' if len(mails) == 1 else 'mails'} read: {told or 'nothing new'}")
    return 0


async def _take(mails: Sequence[Path]) -> Counter[str]:
    done: Counter[str] = Counter()
    async with installation() as home:
        for path in mails:
            state = await take_report(home.works, _content(path))
            if state is not None:
                done[state] += 1
            if path.parent.name == "new":
                path.rename(path.parent.parent / "cur" / f"{path.name}:2,")
    return done


def _mails(sources: Sequence[Path]) -> Iterator[Path]:
    """Yield the files to read; raise BadParameter for a folder that is no Maildir."""
    for source in sources:
        if source != STDIN and source.is_dir():
            if not ((source / "new").is_dir() and (source / "cur").is_dir()):
                raise typer.BadParameter(f"{source} is no Maildir: it has no folders new and cur")
            yield from sorted(path for path in (source / "new").iterdir() if path.is_file())
        else:
            yield source


def _content(path: Path) -> bytes:
    """Return the bytes of a mail, one more than a report may have where there are more."""
    if path == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
