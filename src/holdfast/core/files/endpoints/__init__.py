"""Files over HTTP: how bytes come in and go out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Annotated, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from holdfast.core.files.errors import FileNotFound, RangeNotSatisfiable, UploadBroken
from holdfast.core.files.schemas import FileDescription
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.core.files.service.files import Content, note_download
from holdfast.core.files.service.multipart import Form
from holdfast.core.files.service.staging import Incoming, make_ready, take_in
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.ids import parse_id
from holdfast.kernel.middleware import MAX_BODY_KEY
from holdfast.kernel.storage import Storage
from holdfast.kernel.work import Gate, Work, Works

FORM, RAW, ANY = "multipart/form-data", "application/octet-stream", "*/*"
AROUND_A_FILE = 64 * 1024  # what a form may have beside its file
BODY = {
    "required": True,
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "rule": {"type": "string", "examples": ["files.general"]},
                    "owner_kind": {"type": "string", "examples": ["company"]},
                    "owner_id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string", "description": "Instead of the file's own name."},
                    "file": {"type": "string", "format": "binary"},
                },
            }
        },
        RAW: {"schema": {"type": "string", "format": "binary"}},
    },
}
# Shown in a browser's own window where that is asked for; everything else is saved.
SHOWN = frozenset({"application/pdf", "image/webp"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
# A sandbox keeps browsers from their PDF viewers, which run no script of the page's origin.
_PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"

Schema = TypeVar("Schema", bound=BaseModel)
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="Of the version.")]


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def described(schema: type[Schema], given: dict[str, str], source: str) -> Schema:
    """Return what is said of a file; raise Invalid naming what cannot be accepted."""
    try:
        return schema.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        raise invalid_input(error, source=source) from None


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """Yield the pieces of a body; raise UploadBroken where the caller has gone."""
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect:
        raise UploadBroken("The connection ended before all bytes had come.") from None


def announced(request: Request) -> int | None:
    """Return how many bytes the caller says will come."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else None


def file_id_of(text: str | None) -> UUID | None:
    """Return the id in a path; raise FileNotFound for what is none."""
    if text is None:
        return None
    found = parse_id(text)
    if found is None:
        raise FileNotFound
    return found


async def receive(request: Request, gate: Gate) -> Incoming:
    """Take in the file that a request brings, as a form or as it is; of the file in the path where there is one."""
    file_id = request.path_params.get("file_id")
    request.scope[MAX_BODY_KEY] = gate.settings.files_max_bytes + AROUND_A_FILE
    given, size, pieces, name = dict(request.query_params), announced(request), body_of(request), None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        described(FileDescription, given, "query")
        form = Form(request.headers["content-type"], pieces)
        await form.begin()
        twice = sorted(given.keys() & form.fields.keys())
        if twice:
            raise Invalid.field(f"body.{twice[0]}", "repeated", "is given in the address as well")
        given, name = {**given, **form.fields}, form.file_name
        size, pieces = None if size is None else max(0, size - AROUND_A_FILE), form.pieces()
        told = described(FileDescription, {"name": name or "", **given}, "body")
    else:
        told = described(FileDescription, given, "query")
    if told.name is None:
        raise Invalid("query.name: is needed", errors=(FieldError("query.name", "missing", "is needed"),))
    rule = await make_ready(gate, rule=told.rule, size=size, file_id=file_id_of(file_id))
    incoming = await take_in(gate, pieces, name=told.name, rule=rule)
    incoming.owner_kind, incoming.owner_id = told.owner_kind, told.owner_id
    return incoming


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ContentResponse(Response):
    """A content, or a range of it, streamed from the storage after the unit of work has closed.

    `before` runs first: what it records is committed before a byte leaves.
    """

    def __init__(
        self,
        storage: Storage,
        content: Content,
        span: tuple[int, int] | None,
        *,
        inline: bool,
        before: Callable[[], Awaitable[None]] | None,
    ) -> None:
        super().__init__(status_code=200 if span is None else 206, media_type=content.media_type)
        self._storage, self._key, self._before = storage, content.key, before
        self._start, self._stop = span or (0, content.size)
        shown = inline and content.media_type in SHOWN
        self.headers.update(
            {
                "Content-Length": str(self._stop - self._start),
                "Content-Disposition": disposition(content.name, inline=shown),
                "Content-Security-Policy": _PDF_POLICY
                if shown and content.media_type == "application/pdf"
                else _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Accept-Ranges": "bytes",
                "ETag": f'"{content.sha256}"',
                # So that the bytes are those of the ETag: nothing on the way may pack them.
                "Content-Encoding": "identity",
                "Cache-Control": "private, no-cache" if not content.sensitive else "no-store",
            }
        )
        if span is not None:
            self.headers["Content-Range"] = f"bytes {self._start}-{self._stop - 1}/{content.size}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes, until all have gone or the caller has."""
        if self._before is not None:
            await self._before()
        async with aclosing(self._storage.get(self._key, self._start, self._stop)) as blocks:
            # The first block before the status: an object that is not there is an error, not an answer that breaks off.
            first = await anext(blocks, b"") if self._stop > self._start else b""
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                first = b""
            elif await _gone_while(_sent(first, blocks, send), receive):
                return
            await send({"type": "http.response.body", "body": b""})


async def _sent(first: bytes, blocks: AsyncIterator[bytes], send: Send) -> None:
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for block in blocks:
        await send({"type": "http.response.body", "body": block, "more_body": True})


async def _gone_while(sending: Coroutine[object, object, None], receive: Receive) -> bool:
    """Send, and tell whether the caller went before all had gone: the server takes what nobody reads in silence."""

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.ensure_future(sending), asyncio.ensure_future(left())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
        return not tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(request: Request, work: Work, content: Content) -> Response:
    """Return the answer to a download by a signed-in caller; a sensitive one leaves an entry first."""
    house, tenant_id, actor, info = work.house, work.tenant_id, work.actor, work.request

    async def note() -> None:
        async with house.begin(tenant_id, actor, request=info) as own:
            await note_download(own, file_id=content.file_id, number=content.number)

    return content_response(request, house, content, before=note if content.sensitive else None)


def content_response(
    request: Request, house: Works, content: Content, *, before: Callable[[], Awaitable[None]] | None
) -> Response:
    """Return a content or the range of it that is asked for; raise RangeNotSatisfiable."""
    span = asked_range(request, content)
    inline = request.query_params.get("inline") == "true"
    return ContentResponse(cabinet_of(house).storage, content, span, inline=inline, before=before)


def asked_range(request: Request, content: Content) -> tuple[int, int] | None:
    """Return the bytes that Range asks for, None for all of them (RFC 9110, 14.2).

    Raises RangeNotSatisfiable for a range outside the content. Passed over is a Range that cannot be read, one of
    several ranges, one of another method than GET, and one beside If-None-Match or another content's If-Range.
    """
    unit, equals, spans = request.headers.get("range", "").strip().partition("=")
    tag = f'"{content.sha256}"'
    if (
        request.method != "GET"
        or not equals
        or unit.strip().lower() != "bytes"
        or request.headers.get("if-none-match") is not None
        or request.headers.get("if-range", tag).strip() != tag
    ):
        return None
    return _span(spans, content)


def _span(spans: str, content: Content) -> tuple[int, int] | None:
    first, dash, last = (part.strip() for part in spans.partition("-"))
    if not dash or not all(part == "" or (part.isdecimal() and len(part) < 20) for part in (first, last)):
        return None
    if first and last and int(last) < int(first):
        return None
    if first:
        start, stop = int(first), min(content.size, int(last) + 1 if last else content.size)
    elif last == "" or (
        content.size == 0 and int(last) > 0
    ):  # the last bytes of nothing are nothing, which is no range
        return None
    else:
        start, stop = max(0, content.size - int(last)), content.size
    if start >= stop:
        raise _unsatisfiable(content, f"the file has {content.size} bytes")
    return start, stop


def _unsatisfiable(content: Content, message: str) -> RangeNotSatisfiable:
    fault = FieldError("header.Range", "unsatisfiable", message)
    headers = {"Content-Range": f"bytes */{content.size}"}
    return RangeNotSatisfiable(f"header.Range: {message}", errors=(fault,), headers=headers)


def disposition(name: str, *, inline: bool) -> str:
    """Return the header that names a file: in ASCII for old programs, in full beside it (RFC 6266, 4.3; RFC 8187)."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\%' else "_" for sign in name)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
