"""How the values of settings are read from text."""

import ipaddress
import json
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from holdfast.kernel.crypto import p256_key


def _names(value: object) -> object:
    """Read a list written as JSON or with commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError("is neither a comma-separated nor a JSON list") from error
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    read = []
    for value in values:
        parts = urlsplit(value)
        if value != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/")):
            raise ValueError(f"{value!r} is not an origin such as https://intranet.example.org")
        read.append(value if value == "*" else f"{parts.scheme}://{parts.netloc}".lower())
    return tuple(read)


def _proxies(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "unix":
            try:
                ipaddress.ip_network(value, strict=False)
            except ValueError:
                raise ValueError(f"holds {value!r}, which is neither an address, a network nor unix") from None
    return values


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("is not an address such as https://intranet.example.org")
    return value.rstrip("/")


def _public_key(value: str) -> str:
    if value and p256_key(value) is None:
        raise ValueError("is not the public key of a pair of P-256, in base64")
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _off(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in ("off", "none") else value


Moment = Annotated[datetime, AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC))]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Origins = Annotated[Names, AfterValidator(_origins)]
Proxies = Annotated[Names, AfterValidator(_proxies)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Address = Annotated[str, AfterValidator(_web_address)]
Milliseconds = Annotated[int | None, BeforeValidator(_off)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]
Environment = Annotated[Literal["development", "staging", "production", "test"], BeforeValidator(_lower)]
DatabaseKind = Annotated[Literal["postgresql", "mysql", "mariadb", "sqlite"], BeforeValidator(_lower)]
Encryption = Annotated[Literal["starttls", "tls", "none"], BeforeValidator(_lower)]
StorageKind = Annotated[Literal["local", "s3"], BeforeValidator(_lower)]
ScanPolicy = Annotated[Literal["off", "when_available", "required"], BeforeValidator(_lower)]
