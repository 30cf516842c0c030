"""Opaque cursors: where the next page of a list begins, sealed to list, order and tenant."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from holdfast.kernel.crypto import decode, encode, mac, same
from holdfast.kernel.errors import Invalid

_SEAL = 16


def make_cursor(key: bytes, tenant_id: UUID, name: str, sort: str, values: Sequence[Any]) -> str:
    """Return the cursor after a row; `values` are JSON values, the sort column's and the id."""
    payload = orjson.dumps(list(values))
    return encode(_seal(key, tenant_id, name, sort, payload) + payload)


def read_cursor(key: bytes, tenant_id: UUID, name: str, sort: str, cursor: str) -> tuple[Any, str]:
    """Return the sort column's value and the id; raise Invalid for a cursor of another list, order or tenant."""
    raw = decode(cursor)
    if raw is not None and len(raw) > _SEAL:
        payload = raw[_SEAL:]
        if same(raw[:_SEAL], _seal(key, tenant_id, name, sort, payload)):
            value, row_id = orjson.loads(payload)
            return value, row_id
    raise Invalid.field("query.cursor", "bad_cursor", "is not a cursor of this list and order; start without one")


def _seal(key: bytes, tenant_id: UUID, name: str, sort: str, payload: bytes) -> bytes:
    return mac(key, b"cursor", name.encode(), sort.encode(), tenant_id.bytes, payload)[:_SEAL]
