"""Static files under addresses that name their content, so that a browser may keep them for ever.

The address is `/static/<hash>/<path>` with one hash over all files: a style sheet may name its fonts relatively. A file
stored as `name.gz` is served as `name`.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from holdfast.kernel.errors import ConfigurationError, NotFound

PREFIX = "/static"
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_PACKED = (".js", ".css", ".svg", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its media type, its bytes, or where they pack well only their gzip form."""

    media_type: str
    plain: bytes | None
    packed: bytes | None


class Assets:
    """All static files of the installation, in memory."""

    __slots__ = ("_files", "version")

    def __init__(self, folders: Mapping[str, Traversable]) -> None:
        """Read the files below each folder; its key leads their paths, empty for none.

        Raises ConfigurationError where two folders give the same path.
        """
        files: dict[str, Asset] = {}
        seen = hashlib.sha256()
        for lead, folder in sorted(folders.items(), key=lambda pair: pair[0]):
            for path, body in _walk(folder, (lead,) if lead else ()):
                name = path.removesuffix(".gz")
                if name in files:
                    raise ConfigurationError(f"Two static files are named {name}.")
                files[name] = _read(name, body, gzipped=name != path)
                seen.update(f"{path}\0{len(body)}\0".encode())
                seen.update(body)
        self._files = files
        self.version = seen.hexdigest()[:12]

    def url(self, path: str) -> str:
        """Return the address of a file; raise ConfigurationError where there is none."""
        if path not in self._files:
            raise ConfigurationError(f"There is no static file {path}.")
        return f"{PREFIX}/{self.version}/{path}"

    def respond(self, request: Request, version: str, path: str) -> Response:
        """Return a file; under an older hash the present one, not to be kept. Raises NotFound."""
        asset = self._files.get(path)
        if asset is None:
            raise NotFound("There is no such file.")
        headers = {"Cache-Control": _FOR_EVER if version == self.version else "no-cache", "Vary": "Accept-Encoding"}
        body = asset.plain
        if asset.packed is not None:
            if "gzip" in request.headers.get("accept-encoding", ""):
                body, headers["Content-Encoding"] = asset.packed, "gzip"
            elif body is None:
                body = gzip.decompress(asset.packed)
        return Response(body, media_type=asset.media_type, headers=headers)


def _walk(folder: Traversable, lead: tuple[str, ...]) -> Sequence[tuple[str, bytes]]:
    """Return the files below a folder with their paths, in a fixed order; licences and manifests are not served."""
    found: list[tuple[str, bytes]] = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found += _walk(entry, (*lead, entry.name))
        elif "." in entry.name and not entry.name.endswith((".txt", ".json")):
            found.append(("/".join((*lead, entry.name)), entry.read_bytes()))
    return found


def _read(name: str, body: bytes, *, gzipped: bool) -> Asset:
    suffix = name[name.rfind(".") :]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if gzipped:
        return Asset(media_type, None, body)
    packed = gzip.compress(body, 6, mtime=0) if suffix in _PACKED else None
    return Asset(media_type, body, packed)
