"""Idempotency-Key: a create that is sent twice happens once (draft-ietf-httpapi-idempotency-key-header).

The key's row is inserted before anything else and commits with what the request did, so there is no moment at which the
one is known and the other is not.
"""

import hashlib
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from holdfast.kernel.db import Base, Bytes, CanonicalJson, Json, TenantOwned, UtcDateTime
from holdfast.kernel.errors import Conflict, FieldError, Invalid
from holdfast.kernel.work import Work

HEADER = "idempotency-key"
KEPT_HOURS = 24
LONGEST = 255
_KEPT_HEADERS = ("content-type", "etag", "location")


class KeyReused(Invalid):
    """The key was used before for a request with another content."""

    code, title = "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key used for another request"


class KeyInUse(Conflict):
    """A request with the same key is being answered at this moment."""

    code, title = "IDEMPOTENCY_KEY_IN_USE", "The first request with this key is not answered yet"


class IdempotencyKey(TenantOwned, Base):
    """What was answered to a request with this key; the id is made of the actor and the key."""

    __tablename__ = "idempotency_key"
    __audited__: ClassVar[bool] = False  # what the request did leaves its own entries

    request_hash: Mapped[bytes] = mapped_column(Bytes(32))
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[Json] = mapped_column(CanonicalJson)
    body: Mapped[bytes] = mapped_column(LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def replayed(work: Work, request: Request) -> Response | None:
    """Return the earlier answer for the request's key, or claim the key and return None.

    Raises KeyReused for a key that was sent with another content, Invalid for one that is no key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not key.isprintable() or not 1 <= len(key) <= LONGEST:
        raise Invalid.field("header.Idempotency-Key", "invalid", f"must be 1 to {LONGEST} printable characters")
    row_id = _row_id(work, key)
    content = await _content_hash(request)
    await _purge(work)
    known = await _find(work, row_id)
    if known is None:
        row = IdempotencyKey(id=row_id, request_hash=content, status=0, headers={}, body=b"", created_at=work.now())
        work.session.add(row)
        try:
            await work.flush()
        except IntegrityError as error:
            raise KeyInUse from error
        return None
    if known.request_hash != content:
        raise KeyReused(errors=(FieldError("header.Idempotency-Key", "reused", "belongs to another request"),))
    headers = known.headers if isinstance(known.headers, dict) else {}
    replay = Response(known.body, known.status, {name: str(value) for name, value in headers.items()})
    replay.headers["Idempotency-Replayed"] = "true"
    return replay


async def remember(work: Work, request: Request, response: Response) -> None:
    """Keep an answer for its key; it commits with what the request did."""
    key = request.headers.get(HEADER)
    if key is None:
        return
    row = await _find(work, _row_id(work, key))
    if row is not None and isinstance(response, StreamingResponse):
        await work.session.delete(row)  # what was not kept cannot be given again
    elif row is not None:
        kept = getattr(response, "kept", None)
        row.status, row.body = response.status_code, bytes(response.body) if kept is None else kept
        row.headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}


async def _purge(work: Work) -> None:
    """Forget the keys of this tenant that are older than 24 hours."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at < work.now() - timedelta(hours=KEPT_HOURS))
    await work.session.execute(old, execution_options={"synchronize_session": False})


async def _find(work: Work, row_id: UUID) -> IdempotencyKey | None:
    found: IdempotencyKey | None = await work.session.scalar(
        select(IdempotencyKey).where(IdempotencyKey.id == row_id).with_for_update()
    )
    return found


def _row_id(work: Work, key: str) -> UUID:
    # With a version and a variant: MariaDB refuses 16 bytes that RFC 9562 does not know.
    return UUID(bytes=hashlib.sha256(f"{work.actor.id}\x1f{key}".encode()).digest()[:16], version=5)


async def _content_hash(request: Request) -> bytes:
    staged = getattr(request.state, "prepared", None)
    # A body that was read as it came is not there any more.
    body = await request.body() if staged is None or not hasattr(staged, "digest") else staged.digest
    return hashlib.sha256(f"{request.method} {request.scope['path']}?{request.url.query}\n".encode() + body).digest()
