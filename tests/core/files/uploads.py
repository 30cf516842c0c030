"""What the tests of files share: small true files, and ways to send them."""

import hashlib
import io
import zipfile
from pathlib import Path
from uuid import UUID

import httpx

from support import Org

URL = "/api/v1/files"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0500f0000040001f5d5d0db0000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + b"a page " * 40 + b"\n%%EOF\n"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(**parts: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return held.getvalue()


async def send(client: httpx.AsyncClient, org: Org, content: bytes = b"some text\n", name: str = "note.txt", **query):
    """Upload a file as it is and return the answer."""
    role = query.pop("role", "admin")
    headers = {**org.members[role].bearer, "Content-Type": "application/octet-stream", **query.pop("headers", {})}
    url = query.pop("url", URL)
    return await client.post(url, params={"name": name, **query}, content=content, headers=headers)


async def made(client: httpx.AsyncClient, org: Org, content: bytes = b"some text\n", name: str = "note.txt", **query):
    """Upload a file as it is and return what is said of it."""
    answer = await send(client, org, content, name, **query)
    assert answer.status_code == 201, answer.text
    return answer.json()


def kept(org: Org) -> dict[str, int]:
    """Return the names and sizes of what the storage holds for an organisation, unfinished files too."""
    root = org.home.settings.holdfast_home / "files"
    return {str(each.relative_to(root)): each.stat().st_size for each in _files(root) if _of(each, root, org.id)}


def _files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if each.is_file()]


def _of(file: Path, root: Path, tenant_id: UUID) -> bool:
    return file.relative_to(root).parts[0] in (str(tenant_id), "incoming")
