"""Where somebody signed in before: a browser by a cookie that only we can write, a program by address and name.

A known device has an allowance of its own: whoever guesses at an account slows down strangers, not its owner.
"""

from dataclasses import dataclass
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.service.desk import Desk, SessionCookie
from holdfast.kernel.crypto import Keys, decode, digest, encode, mac, new_secret, same
from holdfast.kernel.work import RequestInfo, Work

ID_BYTES = TAG_BYTES = 16
USERS = 5  # how many users one browser is remembered for
SECONDS = 365 * 24 * 3600
AGENT = 300  # characters of a program's name that a session keeps


@dataclass(frozen=True, slots=True, repr=False)
class Device:
    """What a browser's cookie says: which browser, and a tag for each user who signed in with it, the last one first.

    The tags are keyed hashes: the cookie tells nobody who they are, and cannot be made up.
    """

    id: bytes
    tags: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, text: str | None) -> "Device":
        """Return the device that a cookie names, a new one where there is none or it is none of ours."""
        raw = decode(text) if text and len(text) < 200 else None
        if raw is None or len(raw) % TAG_BYTES or not ID_BYTES <= len(raw) <= ID_BYTES + USERS * TAG_BYTES:
            return cls(new_secret()[:ID_BYTES])
        tags = tuple(raw[at : at + TAG_BYTES] for at in range(ID_BYTES, len(raw), TAG_BYTES))
        return cls(raw[:ID_BYTES], tags)

    def text(self) -> str:
        """Return the cookie's value."""
        return encode(self.id + b"".join(self.tags))

    def knows(self, keys: Keys, tenant_id: UUID, user_id: UUID) -> bool:
        """Tell whether the user signed in with this browser before."""
        tag = self._tag(keys, tenant_id, user_id)
        return any(same(tag, each) for each in self.tags)

    def knowing(self, keys: Keys, tenant_id: UUID, user_id: UUID) -> "Device":
        """Return the device after the user signed in with it."""
        tag = self._tag(keys, tenant_id, user_id)
        return Device(self.id, (tag, *(each for each in self.tags if each != tag))[:USERS])

    def _tag(self, keys: Keys, tenant_id: UUID, user_id: UUID) -> bytes:
        return mac(keys.tokens, b"device", self.id, tenant_id.bytes, user_id.bytes)[:TAG_BYTES]


def cookie_name(cookie: SessionCookie) -> str:
    """Return the name of the cookie that remembers a browser."""
    return "__Host-holdfast-device" if cookie.secure else "holdfast-device"


def set_cookie(cookie: SessionCookie, value: str) -> str:
    """Return the Set-Cookie text that lets a browser be known for a year."""
    return SessionCookie(cookie_name(cookie), cookie.secure).carrying(value) + f"; Max-Age={SECONDS}"


def agent_of(request: RequestInfo) -> str | None:
    """Return the name of the program that asks, as a session keeps it."""
    return (request.user_agent or "")[:AGENT] or None


# lint: allow verb – a step of signing in
async def is_known(work: Work, desk: Desk, *, user_id: UUID, kind: SessionKind, device: Device) -> bool:
    """Tell whether a user signed in from here before."""
    if kind is SessionKind.COOKIE:
        return device.knows(desk.keys, work.tenant_id, user_id)
    ip, agent = work.request.ip, agent_of(work.request)
    return await queries.was_here(work, user_id=user_id, ip=ip, user_agent=agent)


def account_key(request: RequestInfo, *, user_id: UUID, kind: SessionKind, device: Device) -> str:
    """Return the key under which the attempts of a known device at an account are counted."""
    if kind is SessionKind.COOKIE:
        return f"{user_id} {device.id.hex()}"
    return f"{user_id} {request.ip} {digest((agent_of(request) or '').encode('utf-8', 'surrogatepass')).hex()}"
