"""A folder of `.eml` files in the place of a mail server: for a demonstration, and before one is set up."""

import asyncio
import os
from pathlib import Path

from holdfast.core.notify.service.transports import Outcome, Verdict
from holdfast.core.notify.service.transports.messages import Mail, written
from holdfast.kernel.errors import Invalid
from holdfast.kernel.settings.kept import write_beside


class FolderTransport:
    """Writes each mail into the folder, whole or not at all; the newest so many stay."""

    def __init__(self, folder: Path, *, kept: int = 1000) -> None:
        self._folder = folder
        self._kept = kept

    async def send(self, mail: Mail) -> Outcome:
        """Write one mail."""
        try:
            await asyncio.to_thread(self._write, mail)
        except Invalid as error:
            return Outcome(Verdict.REFUSED, 0, error.detail)
        except OSError as error:
            return Outcome(Verdict.LATER, 0, f"{self._folder}: {error.strerror}")
        return Outcome(Verdict.SENT, 0, "written into a folder")

    async def close(self) -> None:
        """Do nothing: nothing is open."""

    def _write(self, mail: Mail) -> None:
        raw = written(mail)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp = mail.written_at.strftime("%Y%m%dT%H%M%S")
        path = self._folder / f"{stamp}-{mail.key}.eml"
        made = write_beside(path, raw.decode("ascii", "surrogateescape"))
        made.replace(path)
        files = sorted(self._folder.glob("*.eml"), key=os.path.basename)
        for old in files[: max(0, len(files) - self._kept)]:
            old.unlink(missing_ok=True)
