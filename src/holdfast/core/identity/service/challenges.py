"""Sign-ins that wait for the second factor: ten minutes, five wrong codes, one session."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import CodeRefused, SignInOver
from holdfast.core.identity.facts import SecondFactorAsked, TotpConfirmed
from holdfast.core.identity.models import Challenge, Password, SessionKind, Totp, User
from holdfast.core.identity.queries import Standing
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.devices import Device, is_known
from holdfast.core.identity.service.entering import may_enter
from holdfast.core.identity.service.factors import (
    Enrolment,
    Shown,
    issue_codes,
    new_secret_text,
    step_of,
    use_factor,
)
from holdfast.core.identity.service.failures import write_failure
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.opening import Opened, enter
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.crypto import digest, new_secret, same
from holdfast.kernel.keys import Sealed
from holdfast.kernel.permissions import ANONYMOUS, SYSTEM, verb
from holdfast.kernel.work import Gate, Work

PREFIX = "hfm_"
VALID = timedelta(minutes=10)
WRONG_UNTIL_OVER = 6


@dataclass(frozen=True, slots=True, repr=False)
class Waiting:
    """A sign-in whose password was right: what it is found by, what it waits for, a new authenticator if it needs one.

    `enrolment` is there where the organisation asks for a second factor and the user has none.
    """

    token: str
    methods: tuple[str, ...]
    enrolment: Enrolment | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Verified:
    """The session of a sign-in that waited, and the recovery codes of an authenticator that was just made known."""

    opened: Opened
    recovery_codes: tuple[str, ...] = ()


# lint: allow verb – the last step of a sign-in whose password was right
async def wait_for_factor(work: Work, *, standing: Standing, kind: SessionKind) -> Waiting:
    """Let a sign-in wait; who has no authenticator yet waits for the first code of one whose secret is told now."""
    enrol = standing.totp_confirmed_at is None
    user = await queries.get_user(work, user_id=standing.id)
    await queries.forget_challenges(work, user_id=user.id)
    secret, row_id = new_secret(), work.new_id()
    enrolment = Enrolment.of(work, user, new_secret_text()) if enrol else None
    row = Challenge(
        id=row_id,
        user_id=user.id,
        secret_hash=digest(secret),
        kind=kind,
        password_changed_at=standing.password_changed_at,
        enrolment=None if enrolment is None else await _sealed(work, enrolment.secret, row_id),
        failures=0,
        expires_at=work.now() + VALID,
    )
    work.session.add(row)
    work.record(SecondFactorAsked(entity=user))
    methods = ("totp",) if enrol else ("totp", "recovery_code")
    return Waiting(PREFIX + Address(work.tenant_id, row_id, secret).text(), methods, enrolment)


@verb("identity.session.verify", access="public", writes=True)
async def verify(
    gate: Gate, *, token: str, shown: Shown, kind: SessionKind | None = None, device: str | None = None
) -> Verified:
    """Open the session of a sign-in that waits; `kind` is how it is carried, where not as the sign-in said.

    Raises CodeRefused for a wrong code, and SignInOver from the sixth on and for a sign-in that is unknown, older than
    ten minutes, used, or whose password was changed meanwhile. Wrong codes count as wrong passwords do.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=None)
    address = Address.parse(token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None
    user_id = None if address is None else await _whose(gate, address)
    if address is None or user_id is None:
        raise SignInOver
    await desk.count_account(str(user_id))
    async with gate.works.begin(address.tenant_id, ANONYMOUS, request=gate.request) as work:
        found = await _judge(work, address, user_id, shown, kind=kind, device=Device.read(device))
    if isinstance(found, Verified):
        return found
    raise found


# lint: allow verb – for the page of a sign-in that waits, which holds its token
async def find_enrolment(gate: Gate, *, token: str) -> Enrolment | None:
    """Return the authenticator that a sign-in waits for, to be shown again after a wrong code."""
    address = Address.parse(token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None
    if address is None:
        return None
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        row = await _find(work, address)
        if row is None or row.enrolment is None or row.used_at is not None:
            return None
        user = await queries.find_user(work, user_id=row.user_id)
        return None if user is None else Enrolment.of(work, user, await _secret_of(work, row))


async def _whose(gate: Gate, address: Address) -> UUID | None:
    """Return whose sign-in this is, None for nobody's; whether it still waits is judged later."""
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        row = await _find(work, address)
        return None if row is None else row.user_id


async def _find(work: Work, address: Address, *, lock: bool = False) -> Challenge | None:
    row = await queries.find_challenge(work, challenge_id=address.row_id, lock=lock)
    return row if row is not None and same(row.secret_hash, digest(address.secret)) else None


async def _judge(
    work: Work, address: Address, user_id: UUID, shown: Shown, *, kind: SessionKind | None, device: Device
) -> Verified | CodeRefused | SignInOver:
    """Return the session, or the error to raise once what was found out is committed."""
    user = await queries.find_user(work, user_id=user_id, lock=True)  # first, as everywhere
    row = await _find(work, address, lock=True)
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if row is None or password is None or not _waits(work, row, password):
        return SignInOver()
    standing = await may_enter(work, user_id)
    if user is None or standing is None:
        return SignInOver()
    has = standing.totp_confirmed_at is not None
    if not has and row.enrolment is None:
        return SignInOver()  # the authenticator was taken away meanwhile
    good = await use_factor(work, user=user, shown=shown) if has else await _is_first_code(work, row, shown)
    if not good:
        return await _count(work, row)
    row.used_at, password.failures = work.now(), 0
    carried = kind or row.kind
    known = await is_known(work, desk_of(work.house), user_id=user.id, kind=carried, device=device)
    opened = await enter(work, standing=standing, kind=carried, device=device, known=known, second_factor=True)
    return Verified(opened, () if has else tuple(await _enrol(work, user, row, shown.code or "")))


def _waits(work: Work, row: Challenge, password: Password) -> bool:
    changed = row.password_changed_at != password.changed_at
    return row.used_at is None and row.expires_at > work.now() and not changed


async def _is_first_code(work: Work, row: Challenge, shown: Shown) -> bool:
    return shown.code is not None and step_of(await _secret_of(work, row), shown.code, work.now()) is not None


async def _count(work: Work, row: Challenge) -> CodeRefused | SignInOver:
    row.failures += 1
    await write_failure(work, action="identity.session.refused", reason="wrong code", user_id=row.user_id)
    if row.failures < WRONG_UNTIL_OVER:
        return CodeRefused()
    row.used_at = work.now()
    return SignInOver()


async def _enrol(work: Work, user: User, row: Challenge, code: str) -> list[str]:
    """Keep the authenticator whose first code was right and return the recovery codes beside it."""
    secret = await _secret_of(work, row)
    totp = await queries.find_totp(work, user_id=user.id, lock=True)
    if totp is None:
        totp = Totp(id=user.id)
        work.session.add(totp)
    totp.secret = (await work.keyring(sealing=True)).seal(Totp.secret, user.id, secret)
    totp.confirmed_at, totp.last_step = work.now(), step_of(secret, code, work.now()) or 0
    work.record(TotpConfirmed(entity=totp))
    await notify(work, user, "mfa_changed", change="on")
    return await issue_codes(work, user)


async def _sealed(work: Work, secret: str, row_id: UUID) -> Sealed:
    return (await work.keyring(sealing=True)).seal(Challenge.enrolment, row_id, secret)


async def _secret_of(work: Work, row: Challenge) -> str:
    assert row.enrolment is not None
    return (await work.keyring()).open(Challenge.enrolment, row.id, row.enrolment).decode()
