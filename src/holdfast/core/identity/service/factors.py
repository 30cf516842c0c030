"""The second factor: codes of an authenticator (RFC 6238), and recovery codes that stand in for it once each."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp

from holdfast.core.identity import queries
from holdfast.core.identity.facts import RecoveryCodeEnded, RecoveryCodeIssued, RecoveryCodeUsed, TotpRemoved
from holdfast.core.identity.models import RecoveryCode, Totp, User
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.crypto import mac, same
from holdfast.kernel.work import Work

STEP_SECONDS = 30
DRIFT = 1  # steps that an authenticator's clock may be off, each way
CODES = 10
CODE_BYTES = 15  # 120 bits; NIST SP 800-63B-4 asks 64 of a look-up secret
GROUP = 6


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """What somebody shows of a second factor: the authenticator's code, or a recovery code."""

    code: str | None = None
    recovery_code: str | None = None

    @property
    def field(self) -> str:
        """Return the name of the field it came in."""
        return "code" if self.code is not None else "recovery_code"


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """The secret of a new authenticator, which is shown once, and the same as an address that its app reads."""

    secret: str
    otpauth_uri: str

    @classmethod
    def of(cls, work: Work, user: User, secret: str) -> "Enrolment":
        """Return the enrolment of a user with a secret."""
        name = user.email or user.username or user.name
        return cls(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=work.settings.app_name))


def new_secret_text() -> str:
    """Return a new secret of an authenticator: 160 bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32(32)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, within one step of the server's clock, None for no such step."""
    present, totp = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    steps = range(present - DRIFT, present + DRIFT + 1)
    found = [step for step in steps if same(totp.at(step * STEP_SECONDS).encode(), code.encode())]
    return found[-1] if found else None


# lint: allow verb – a step of verbs that ask who somebody is
async def has_second_factor(work: Work, user_id: UUID) -> bool:
    """Tell whether a user has an authenticator that was confirmed."""
    totp = await queries.find_totp(work, user_id=user_id)
    return totp is not None and totp.confirmed_at is not None


# lint: allow verb – a step of verbs that ask who somebody is
async def use_factor(work: Work, *, user: User, shown: Shown) -> bool:
    """Use up what was shown and tell whether it was right; the caller has locked the user's row."""
    if shown.code is not None:
        totp = await queries.find_totp(work, user_id=user.id, lock=True)
        return totp is not None and totp.confirmed_at is not None and await use_code(work, totp, shown.code)
    hashed = _code_hash(work, user.id, shown.recovery_code or "")
    row = await queries.find_recovery_code(work, user_id=user.id, code_hash=hashed)
    if row is None:
        return False
    row.used_at = work.now()
    work.record(RecoveryCodeUsed(entity=row))
    return True


# lint: allow verb – a step of verbs that ask who somebody is
async def use_code(work: Work, totp: Totp, code: str) -> bool:
    """Compare a code and set its step as used, in one: the caller holds the lock on the row, which was read under it.

    A code is good once: its step and every earlier one is refused from then on (RFC 6238, 5.2), in every process.
    """
    secret = (await work.keyring()).open(Totp.secret, totp.id, totp.secret).decode()
    step = step_of(secret, code, work.now())
    if step is None or step <= totp.last_step:
        return False
    totp.last_step = step
    return True


# lint: allow verb – a step of verbs that switch the second factor on
async def issue_codes(work: Work, user: User) -> list[str]:
    """Return ten new recovery codes of a user, whose row the caller has locked; earlier ones end."""
    await end_codes(work, user)
    codes = [_new_code() for _ in range(CODES)]
    for code in codes:
        row = RecoveryCode(id=work.new_id(), user_id=user.id, code_hash=_code_hash(work, user.id, code))
        work.session.add(row)
        work.record(RecoveryCodeIssued(entity=row))
    return codes


# lint: allow verb – a step of verbs that switch the second factor off
async def end_codes(work: Work, user: User) -> None:
    """End the recovery codes of a user."""
    for row in await queries.list_recovery_codes(work, user_id=user.id):
        await work.session.delete(row)
        work.record(RecoveryCodeEnded(entity=row))


# lint: allow verb – a step of verbs that switch the second factor off
async def remove_factor(work: Work, user: User, totp: Totp, *, reason: str | None = None) -> None:
    """Remove an authenticator and the recovery codes beside it."""
    await end_codes(work, user)
    await work.session.delete(totp)
    work.record(TotpRemoved(entity=totp, reason=reason))


def _new_code() -> str:
    """Return a code of four groups of six letters and digits."""
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def _code_hash(work: Work, user_id: UUID, code: str) -> bytes:
    """Return the keyed hash of a code as it was typed: case, blanks and dashes do not matter."""
    plain = "".join(code.split()).replace("-", "").upper()
    return mac(desk_of(work.house).keys.tokens, b"recovery code", work.tenant_id.bytes, user_id.bytes, plain.encode())
