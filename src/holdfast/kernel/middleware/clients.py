"""Who is calling: the address and scheme of a request, and what trusted proxies may say about them.

X-Forwarded-For counts before Forwarded (RFC 7239), which counts only without it: a proxy that writes only `Forwarded`
has to remove the other.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.kernel import errors

MAX_HOPS = 20
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED_FOR = re.compile(r"(?:^|;)\s*for=(\"[^\"]*\"|[^;\s]*)", re.IGNORECASE)
_FORWARDED_PROTO = re.compile(r"(?:^|;)\s*proto=\"?([a-z]+)\"?", re.IGNORECASE)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that lower-case name, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def resolve_client(app: ASGIApp, trusted_proxies: Sequence[str]) -> ASGIApp:
    """Find the caller's address and scheme: what proxies say counts only when the peer is one that we trust.

    `unix` among the trusted names the peer of a Unix socket. Raises ConfigurationError naming TRUSTED_PROXIES.
    """
    networks = _networks(trusted_proxies)
    unix = "unix" in trusted_proxies

    @lru_cache(4096)
    def trusted(address: str) -> bool:
        return any(ipaddress.ip_address(address) in network for network in networks)

    async def resolve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        peer = scope.get("client")
        address = (_address(peer[0]) or "") if peer else ""
        if (networks and address and trusted(address)) or (unix and not address):
            address = _forwarded_address(scope, trusted) or address
            scheme = _forwarded_scheme(scope)
            if scheme is not None:
                scope["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
            scope["client"] = (address, 0)
        state["client_ip"] = address
        await app(scope, receive, send)

    return resolve


def address_key(address: str) -> str:
    """Return what stands for one caller in a limit: an IPv4 address, or the /64 network that one IPv6 host commands."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False))


def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts if text != "unix")
    except ValueError as error:
        raise errors.ConfigurationError(f"TRUSTED_PROXIES holds what is no address or network: {error}.") from error


@lru_cache(4096)
def _address(text: str) -> str | None:
    """Return an address in canonical form, without port, brackets and IPv4 mapping; None for garbage."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _forwarded_address(scope: Scope, trusted: Callable[[str], bool]) -> str | None:
    """Return the rightmost hop that is not one of ours: everything left of it is the caller's word."""
    hops = _list(scope, b"x-forwarded-for")
    if not hops:
        found = [_FORWARDED_FOR.search(part) for part in _list(scope, b"forwarded")]
        hops = [match[1] if match else "" for match in found]
    result = None
    for hop in reversed(hops[-MAX_HOPS:]):
        address = _address(hop[:100])
        if address is None:
            break
        result = address
        if not trusted(address):
            break
    return result


def _forwarded_scheme(scope: Scope) -> str | None:
    values = _list(scope, b"x-forwarded-proto")
    if not values:
        found = [_FORWARDED_PROTO.search(part) for part in _list(scope, b"forwarded")]
        values = [match[1] for match in found if match]
    scheme = values[-1].lower() if values else ""
    return scheme if scheme in ("http", "https") else None


def _list(scope: Scope, name: bytes) -> list[str]:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [part.strip() for part in ",".join(values).split(",")] if values else []
