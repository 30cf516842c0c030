"""HTTP/1.1 on the wire: uvicorn's protocol, with limits on what stands before a body, and refusals as problems."""

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from holdfast.kernel.errors import BadRequest, HeadersTooLarge, HoldfastError, UriTooLong
from holdfast.kernel.errors.problems import problem
from holdfast.kernel.ids import new_id
from holdfast.kernel.middleware import SECURITY_HEADERS

MAX_HEAD = 65_536
MAX_FIELDS = 200
MAX_LINE = 16_384
LINGER_SECONDS = 1.0

log = structlog.get_logger("holdfast.requests")


class Protocol(HttpToolsProtocol):
    """One connection: request line, headers and trailers of a request are counted as they come, bodies are not."""

    _pending = 0  # bytes since the last head, piece of a body or end of a request: an upper bound of the head's size
    _refusal: HoldfastError | None = None
    _ended = False

    def data_received(self, data: bytes) -> None:
        """Read what came; refuse a head that has no end."""
        if self._ended:
            return
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_HEAD and not self._ended:
            self._refusal = _too_large(self.url)
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large."""
        if (
            len(self.headers) > MAX_FIELDS
            or len(self.url) > MAX_LINE
            or (self._pending > MAX_HEAD and _size(self.url, self.headers) > MAX_HEAD)
        ):
            self._refusal = _too_large(self.url)
            raise self._refusal  # ends the parser, whose error comes back as send_400_response
        self._pending = 0
        self.scope["headers"] = self.headers.copy()  # trailers are added to the other list
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._pending = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the name is uvicorn's, and so is the text
        """Refuse what cannot be read, in its turn, and read no more of this connection."""
        refusal = self._refusal or BadRequest("The request is not well-formed HTTP/1.1.")
        self._ended = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False  # the answers that are still due come first; ours would be taken for one
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self.transport.write(self._told(refusal))
        # Closed at once, with something unread, the caller would get a reset before the answer.
        self.transport.write_eof()
        self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.timeout_keep_alive_handler)

    def _told(self, refusal: HoldfastError) -> bytes:
        identifier = str(new_id())
        log.info("unread", status=refusal.status, code=refusal.code, ip=self.client and self.client[0], id=identifier)
        answer = problem(refusal, identifier)
        own = ((b"connection", b"close"), (b"cache-control", b"no-store"), (b"x-request-id", identifier.encode()))
        headers = (*answer.raw_headers, *own, *SECURITY_HEADERS)
        lines = [STATUS_LINE[refusal.status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n"]
        return b"".join([*lines, bytes(answer.body)])


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def _too_large(url: bytes) -> HoldfastError:
    if len(url) > MAX_LINE:
        return UriTooLong(f"A request line may have {MAX_LINE} bytes.")
    return HeadersTooLarge(f"A request may have {MAX_FIELDS} header fields, in {MAX_HEAD // 1024} KiB.")
