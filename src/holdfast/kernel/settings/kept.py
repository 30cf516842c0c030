"""Secrets that the installation makes for itself and keeps in HOLDFAST_HOME."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from holdfast.kernel.errors import ConfigurationError

SECRET_BYTES = 32


def kept_secret(home: Path) -> str:
    """Return the secret kept in HOLDFAST_HOME, made on the first call; processes that race get the same one."""
    path = home / "secret_key"
    secret = kept_text(path, lambda: secrets.token_urlsafe(48))
    if len(secret.encode()) < SECRET_BYTES:
        raise ConfigurationError(f"HOLDFAST_HOME: {path} is damaged; restore it, or give SECRET_KEY.")
    return secret


def kept_text(path: Path, fresh: Callable[[], str]) -> str:
    """Return a file's text, made on the first call and readable by its owner only; ConfigurationError where it cannot.

    Processes that race get the same text.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = write_beside(path, fresh())
            try:
                os.link(made, path)  # whole or not at all, and the first one wins
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"HOLDFAST_HOME: {path} cannot be kept: {error.strerror}.") from error


def write_beside(path: Path, text: str) -> Path:
    """Return a new file in the folder of another, readable by its owner only, with this text on the disk."""
    made = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return made
