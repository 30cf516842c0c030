"""Whether a caller's copy of a record is the present one."""

from holdfast.kernel.db import Tracked
from holdfast.kernel.errors import PreconditionFailed

WEAK = -1  # no record has this version


def check_version(row: Tracked, expected: int | None) -> None:
    """Raise PreconditionFailed where the caller's copy of a record is not the present one."""
    if expected is not None and row.version != expected:
        told = "a weak ETag, which never matches" if expected == WEAK else expected
        raise PreconditionFailed(f"The record is at version {row.version}, the request was made for {told}.")
