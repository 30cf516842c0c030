"""Reading a multipart form as it comes: its fields first, then one file, handed on a piece at a time (RFC 7578)."""

from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from holdfast.kernel.errors import BadRequest, FieldError

MOST_FIELDS, LONGEST_FIELD, LONGEST_HEADERS = 8, 1024, 4096
_WANTED = "the form must hold its fields first, then one file under the name file, and nothing else"


class Form:
    """A form whose fields are read by `begin`, and whose file's bytes come by `pieces`."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if not isinstance(boundary, str) or not 1 <= len(boundary) <= 200:
            raise bad_form("the content type names no boundary")
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self._body = aiter(body)
        self._ready: list[bytes] = []
        self._whole = self._in_file = self._after = False
        self._name = ""
        self._value = bytearray()
        self._headers: dict[str, bytes] = {}
        self._header, self._header_value = bytearray(), bytearray()
        events = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end")
        callbacks = {f"on_{event}": getattr(self, f"_on_{event}") for event in events}
        callbacks["on_headers_finished"] = self._on_headers_finished
        self._parser = MultipartParser(boundary.encode(), callbacks)  # type: ignore[arg-type]

    async def begin(self) -> None:
        """Read up to the beginning of the file; raise BadRequest for what is no such form."""
        while not self._in_file:
            if not await self._more():
                raise bad_form(_WANTED)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file; raise BadRequest where the form goes on after it, or ends too early."""
        while True:
            ready, self._ready = self._ready, []
            for piece in ready:
                yield piece
            if not await self._more():
                break
        if not self._whole:
            raise bad_form("the form is not whole")

    async def _more(self) -> bool:
        """Feed the next piece of the body; return whether there was one."""
        try:
            piece = await anext(self._body)
        except StopAsyncIteration:
            return False
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise bad_form("the form cannot be read") from error
        return True

    # ── what the parser tells ────────────────────────────────────────────────────────────────────────────────────────

    def _on_part_begin(self) -> None:
        if self._in_file or self._after or len(self.fields) >= MOST_FIELDS:
            raise bad_form(_WANTED)
        self._headers, self._value = {}, bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_header()

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header) + len(self._header_value) > LONGEST_HEADERS or len(self._headers) > 10:
            raise bad_form("the headers of a part are too long")

    def _on_header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = bytes(self._header_value)
        self._header, self._header_value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        name, file_name = _disposition(self._headers.get("content-disposition", b""))
        if file_name is not None and name == "file":
            self._in_file, self.file_name = True, file_name
        elif file_name is None and name and name not in self.fields:
            self._name = name
        else:
            raise bad_form(_WANTED)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._ready.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise bad_form(f"the field {self._name[:60]} is too long")

    def _on_part_end(self) -> None:
        if self._in_file:
            self._in_file, self._after = False, True
            return
        try:
            self.fields[self._name] = self._value.decode()
        except UnicodeDecodeError:
            raise bad_form("a field is not valid UTF-8") from None

    def _on_end(self) -> None:
        self._whole = self._after


def bad_form(message: str) -> BadRequest:
    """Return the error for a form that is none of ours."""
    return BadRequest(f"body: {message}", errors=(FieldError("body", "bad_form", message),))


def _disposition(raw: bytes) -> tuple[str, str | None]:
    """Return the name of a part and that of its file, as browsers write them (WHATWG HTML, 4.10.22.8)."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if not text.lower().startswith("form-data"):
        raise bad_form(_WANTED)
    found: dict[str, str] = {}
    rest = text.partition(";")[2]
    while rest.strip():
        key, _, rest = rest.strip().partition("=")
        if rest.startswith('"'):
            value, _, rest = rest[1:].partition('"')
            while value.endswith("\\") and rest:  # what a program wrote as \"
                more, _, rest = rest.partition('"')
                value = f'{value[:-1]}"{more}'
        else:
            value, _, rest = rest.partition(";")
            rest = f";{rest}"
        found[key.strip().lower()] = value.strip().replace("%22", '"').replace("%0D", "").replace("%0A", "")
        rest = rest.strip().removeprefix(";")
    return found.get("name", ""), found.get("filename")
