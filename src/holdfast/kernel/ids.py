"""Identifiers: UUIDv7, so that key order is creation order (RFC 9562, section 5.7)."""

import hashlib
import os
import threading
import time
import uuid
from datetime import datetime


class _Stamps:
    """Counts 1/4096 milliseconds since 1970, never the same twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(time.time_ns() * 4096 // 1_000_000, self._last + 1)
            return self._last


_stamps = _Stamps()


def new_id() -> uuid.UUID:
    """Return a UUIDv7 that is greater than every one this process made before.

    The 12 bits after the milliseconds hold its fraction (RFC 9562, section 6.2, method 3); when the clock does not
    advance, the stamp is counted up instead.
    """
    stamp = _stamps.next()
    return _compose(stamp >> 12, stamp & 0xFFF, int.from_bytes(os.urandom(8)) >> 2)


def id_at(milliseconds: int, seed: bytes) -> uuid.UUID:
    """Return the UUIDv7 that belongs to a time and a digest (at least 10 bytes): the same input gives the same id."""
    number = int.from_bytes(seed[:10])
    return _compose(milliseconds, number & 0xFFF, (number >> 12) & ((1 << 62) - 1))


def named_id(moment: datetime, *names: str) -> uuid.UUID:
    """Return the UUIDv7 that belongs to a moment and names: demo data have the same ids everywhere."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return id_at(int(moment.timestamp() * 1000), digest)


def parse_id(text: str) -> uuid.UUID | None:
    """Return the UUID in canonical or bare hexadecimal form, or None."""
    try:
        value = uuid.UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
    return value if text.lower() in (str(value), value.hex) else None


def _compose(milliseconds: int, middle: int, tail: int) -> uuid.UUID:
    return uuid.UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | middle << 64 | 0x2 << 62 | tail)
