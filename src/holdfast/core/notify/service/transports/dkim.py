"""Signing mails for a domain: DKIM (RFC 6376) with RSA, or Ed25519 (RFC 8463), relaxed in header and body."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from holdfast.kernel.errors import ConfigurationError

# What a reader sees and what says where an answer goes; each once more than it is there, so that none can be added.
SIGNED = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Unsubscribe")
LINE = 74
RSA_BITS = 1024  # fewer are not verified by anybody (RFC 8301)
_BLANKS = re.compile(rb"[ \t]+")
_HEADER = re.compile(rb"^([^:\r\n]+):(.*(?:\r\n[ \t].*)*)\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A domain's key and the selector under which its public half stands in the DNS."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def read(cls, domain: str, selector: str, file: Path) -> "Signer":
        """Return the signer with the key of a PEM file; raise ConfigurationError naming what is wrong with it."""
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except OSError as error:
            raise ConfigurationError(f"DKIM_KEY_FILE: {file} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationError(f"DKIM_KEY_FILE: {file} is no private key in PEM without a password.") from error
        if isinstance(key, RSAPrivateKey) and key.key_size >= RSA_BITS:
            return cls(domain, selector, key)
        if isinstance(key, Ed25519PrivateKey):
            return cls(domain, selector, key)
        raise ConfigurationError(f"DKIM_KEY_FILE: {file} is neither RSA of {RSA_BITS} bits or more nor Ed25519.")

    def sign(self, raw: bytes) -> bytes:
        """Return the mail with its signature before it; `raw` has CRLF."""
        head, _, body = raw.partition(b"\r\n\r\n")
        headers = [(name, value) for name, value in _HEADER.findall(head + b"\r\n")]
        names = _signed_names(headers)
        tags = (
            ("v", "1"),
            ("a", "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"),
            ("c", "relaxed/relaxed"),
            ("d", self.domain),
            ("s", self.selector),
            ("h", ":".join(names)),
            ("bh", base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()),
            ("b", ""),
        )
        field = _folded([f"{name}={value}".encode() for name, value in tags])
        hashed = b"".join(relaxed_header(*each) + b"\r\n" for each in _chosen(headers, names))
        hashed += relaxed_header(b"DKIM-Signature", field)
        signature = base64.b64encode(self._signature(hashed))
        lines = [signature[start : start + LINE] for start in range(0, len(signature), LINE)]
        return b"DKIM-Signature: " + field + b"\r\n ".join(lines) + b"\r\n" + raw

    def _signature(self, hashed: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(hashed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(hashed).digest())


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """Return a header as it is hashed (RFC 6376, 3.4.2): unfolded, small letters before the colon, single blanks."""
    plain = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", plain).strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """Return a body as it is hashed (RFC 6376, 3.4.4): no blanks at the ends of lines, none but one line at its end."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _signed_names(headers: list[tuple[bytes, bytes]]) -> list[str]:
    there = [name.strip().lower() for name, _ in headers]
    return [name for wanted in SIGNED for name in [wanted] * (there.count(wanted.lower().encode()) + 1)]


def _chosen(headers: list[tuple[bytes, bytes]], names: list[str]) -> list[tuple[bytes, bytes]]:
    """Return the headers in the order of the names, of several the last first; one that is not there is none."""
    left = list(reversed(headers))
    chosen = []
    for name in names:
        found = next((each for each in left if each[0].strip().lower() == name.lower().encode()), None)
        if found is not None:
            left.remove(found)
            chosen.append(found)
    return chosen


def _folded(tags: list[bytes]) -> bytes:
    """Return the tags a line each, names of headers in lines of their own where they are many; it is hashed so."""
    lines: list[bytes] = []
    for tag in tags:
        rest = tag
        while len(rest) > LINE:
            cut = rest.rindex(b":", 0, LINE) + 1
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest + b";")
    return b"\r\n ".join(lines).removesuffix(b";")
