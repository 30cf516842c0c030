"""The names of messages on their way: what comes back is led to its organisation and message by them.

A name is the id of both and a code that only this installation can make, so that nobody makes up what came back. It
follows from the two ids, so that the same message always has the same one.
"""

import re
from collections.abc import Iterator
from uuid import UUID

from holdfast.kernel.crypto import Keys, mac, same

CODE_LETTERS = 24  # 96 bits
_KEY = re.compile(rf"\b([0-9a-f]{{32}})\.([0-9a-f]{{32}})\.([0-9a-f]{{{CODE_LETTERS}}})\b")


def message_key(keys: Keys, *, tenant_id: UUID, notice_id: UUID) -> str:
    """Return the name of a message: what stands before the @ of its Message-ID."""
    return f"{tenant_id.hex}.{notice_id.hex}.{_code(keys, tenant_id, notice_id)}"


def message_keys_in(keys: Keys, text: str) -> Iterator[tuple[UUID, UUID]]:
    """Yield the organisation and the message of each name in a text that is one of ours."""
    for tenant, notice, code in _KEY.findall(text):
        tenant_id, notice_id = UUID(tenant), UUID(notice)
        if same(code.encode(), _code(keys, tenant_id, notice_id).encode()):
            yield tenant_id, notice_id


def _code(keys: Keys, tenant_id: UUID, notice_id: UUID) -> str:
    return mac(keys.mails, b"message", tenant_id.bytes, notice_id.bytes).hex()[:CODE_LETTERS]
