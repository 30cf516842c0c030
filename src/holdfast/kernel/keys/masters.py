"""The installation's master keys, which wrap the keys of the organisations and nothing else.

They stand in `MASTER_KEY`, or a line each in HOLDFAST_HOME/master_keys: the first is in use, the others open what was
wrapped before it, in the database and in its backups.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.kernel.crypto import decode, encode, new_secret
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings
from holdfast.kernel.settings.kept import kept_text, write_beside

KEY_BYTES = 32
NONCE_BYTES = 12
FILE = "master_keys"


class MasterKeyMissing(RuntimeError):
    """What an organisation's key was wrapped with is not among the installation's master keys."""


class Masters:
    """The master keys by their ids.

    Those of a file are read when the first is asked for, and again where one is asked for that is not among them.
    """

    def __init__(self, keys: Iterable[bytes] = (), *, file: Path | None = None) -> None:
        self._known = {id_of(key): key for key in keys}
        self._file = file

    @classmethod
    def open(cls, settings: Settings) -> "Masters":
        """Return the master keys of an installation; raise ConfigurationError where there are none, or unreadable ones.

        Outside production the file is made when the first key is asked for.
        """
        if settings.master_key:
            return cls(read_keys(settings.master_key.split(","), "MASTER_KEY"))
        file = settings.holdfast_home / FILE
        if settings.environment == "production" and not file.exists():
            raise ConfigurationError(
                f"MASTER_KEY is required in production; without it {file}, which holdfast keys init makes."
            )
        return cls(file=file)

    @property
    def _keys(self) -> Mapping[str, bytes]:
        if not self._known:
            self.reload()
        return self._known

    @property
    def current(self) -> str:
        """Return the id of the master key in use."""
        return next(iter(self._keys))

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of all master keys, the one in use first."""
        return tuple(self._keys)

    @property
    def file(self) -> Path | None:
        """Return the file in which they stand, None for the setting."""
        return self._file

    def reload(self) -> None:
        """Read the file again, where they stand in one."""
        if self._file is not None:
            self._known = {id_of(key): key for key in _read_file(self._file)}

    def wrap(self, plain: bytes, *, tenant_id: UUID, row_id: UUID) -> tuple[str, bytes]:
        """Return the id of the key in use, and bytes that only `unwrap` for the same place opens (AES-256-GCM)."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[self.current]).encrypt(nonce, plain, _place(tenant_id, row_id))
        return self.current, nonce + sealed

    def unwrap(self, wrapped: bytes, master_id: str, *, tenant_id: UUID, row_id: UUID) -> bytes:
        """Return what was wrapped; raise MasterKeyMissing where its master key is not there, or is another's."""
        if master_id not in self._keys:
            self.reload()
        if master_id not in self._keys:
            raise MasterKeyMissing(f"master key {master_id} is not among those of this installation")
        try:
            return AESGCM(self._keys[master_id]).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _place(tenant_id, row_id)
            )
        except (InvalidTag, ValueError) as error:
            raise MasterKeyMissing(f"a wrapped key cannot be opened with master key {master_id}") from error


def id_of(key: bytes) -> str:
    """Return the id under which a master key is known: the beginning of its SHA-256."""
    return hashlib.sha256(b"holdfast/master\0" + key).hexdigest()[:16]


def make_file(home: Path) -> Masters:
    """Make the file with a new key; raise ConfigurationError where it is there already."""
    file = home / FILE
    if file.exists():
        raise ConfigurationError(f"{file} is there already; holdfast keys rotate puts a new key before those in it.")
    return Masters(_read_file(file), file=file)


def put_new_first(file: Path) -> Masters:
    """Put a new key before those of the file, whole or not at all, and return all of them."""
    keys = [new_secret(), *_read_file(file)]
    write_beside(file, "\n".join(encode(key) for key in keys)).replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return Masters(keys, file=file)


def read_keys(texts: Iterable[str], where: str) -> list[bytes]:
    """Return the keys that texts spell, in their order; raise ConfigurationError naming the first that is none."""
    found = []
    for number, text in enumerate((each.strip() for each in texts), start=1):
        raw = decode(text)
        if raw is None or len(raw) != KEY_BYTES:
            raise ConfigurationError(f"{where}: key {number} is not 32 bytes in base64url, as of holdfast keys new.")
        found.append(raw)
    if not found:
        raise ConfigurationError(f"{where}: there is no key.")
    return found


def _read_file(file: Path) -> list[bytes]:
    text = kept_text(file, lambda: encode(new_secret()))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigurationError(f"{file} is open to others: chmod 600 {file}.")
    return read_keys(text.splitlines(), str(file))


def _place(tenant_id: UUID, row_id: UUID) -> bytes:
    return b"tenant_key\0" + tenant_id.bytes + row_id.bytes
