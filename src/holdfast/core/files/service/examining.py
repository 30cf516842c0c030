"""Whether what files need is there and sound, for `holdfast doctor`."""

import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.core.files.service.processes import run
from holdfast.core.files.service.recognising import PROGRAM, languages_of, reader_of
from holdfast.core.files.service.scanning import ScannerFault
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.ids import new_id
from holdfast.kernel.storage import Storage, key_of, read_all
from holdfast.kernel.storage.local import LocalStorage
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Works

LEAST_FREE = 1_000_000_000  # bytes
OLDEST_SIGNATURES = timedelta(days=7)
PROBE = b"an object by which holdfast doctor looks whether the storage works"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of one part: its faults, or what it is."""

    faults: tuple[str, ...] = ()
    note: str = ""


# lint: allow verb – for the command, no row is read
async def examine_storage(works: Works) -> Examined:
    """Write an object, synced, read it, remove it; and look how much room is left on a folder's disk."""
    storage = cabinet_of(works).storage
    setting = "STORAGE=local" if isinstance(storage, LocalStorage) else "S3_BUCKET"
    try:
        await _round_trip(storage)
    except HoldfastError as error:
        reason = error.__cause__ or error
        return Examined((f"{setting}: {' '.join(str(reason).split())[:300]}",))
    if not isinstance(storage, LocalStorage):
        return Examined(note=f"bucket {works.settings.s3_bucket}")
    free = shutil.disk_usage(storage.root).free
    if free < LEAST_FREE:
        return Examined((f"{storage.root} has {free // 1_000_000} MB left; files need {LEAST_FREE // 1_000_000}.",))
    return Examined(note=f"{storage.root}, {free // 1_000_000_000} GB free")


async def _round_trip(storage: Storage) -> None:
    key = key_of(SYSTEM_TENANT, new_id())

    async def content() -> AsyncGenerator[bytes, None]:
        yield PROBE

    await storage.put(key, content())
    try:
        if await read_all(storage, key) != PROBE:
            raise HoldfastError("what was written came back otherwise")
    finally:
        await storage.delete(key)
    if await storage.size(key) is not None:
        raise HoldfastError("what was removed is still there")


# lint: allow verb – for the command, no row is read
async def examine_antivirus(works: Works) -> Examined:
    """Ask the antivirus for its version, and look how old its signatures are."""
    scanner = cabinet_of(works).scanner
    if scanner is None:
        return Examined(note="not used")
    try:
        version, made_at = await scanner.version()
    except ScannerFault as error:
        return Examined((f"CLAMD: {error}.",))
    if made_at is None:
        return Examined((f"CLAMD: {version} has no signatures; let freshclam fetch them.",))
    age = works.clock() - made_at
    if age > OLDEST_SIGNATURES:
        return Examined((f"CLAMD: its signatures are {age.days} days old; let freshclam fetch new ones.",))
    return Examined(note=f"{version}, signatures of {made_at:%Y-%m-%d}")


# lint: allow verb – for the command, starts processes
async def examine_extraction() -> Examined:
    """Look whether a process that reads a foreign file is kept behind its walls."""
    with tempfile.TemporaryFile() as nothing:
        made = await run("walls", nothing)
    if made.fault is not None:
        return Examined((f"The program that reads files {made.fault}.",))
    broken = made.told.get("broken")
    if broken:
        return Examined((f"A process that reads a foreign file can {', '.join(broken)}; run the server on Linux.",))
    return Examined(note="confined")


# lint: allow verb – for the command, starts a process
async def examine_reading(works: Works) -> Examined:
    """Look whether text in pictures can be read: a program that is absent is no fault, a language that is, is one."""
    languages = works.settings.ocr_languages
    if not languages:
        return Examined(note="not used")
    program = reader_of(works.settings)
    if program is None:
        return Examined(note=f"{PROGRAM} is not installed: text in pictures and scans is not read")
    missing = sorted(set(languages.split("+")) - await languages_of(program))
    if missing:
        return Examined((f"OCR_LANGUAGES: {Path(program).name} does not have {', '.join(missing)}.",))
    return Examined(note=f"{PROGRAM}, {languages}")
