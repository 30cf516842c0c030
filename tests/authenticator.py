"""Authenticators in the tests' hands, and the messages that users got."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx
import pyotp

from callers import Caller
from holdfast.core.identity.facts import SignInPolicySet, TotpConfirmed
from holdfast.core.identity.models import SignInPolicy, Totp
from holdfast.core.identity.queries import get_user
from holdfast.core.identity.service.factors import issue_codes
from holdfast.core.notify.public import Letter, read_outbox
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation
from support import Org


@dataclass
class Authenticator:
    """A secret and a clock: codes by pyotp, as an app shows them."""

    secret: str
    clock: Callable[[], datetime]

    def code(self, steps: int = 0) -> str:
        """Return the code of a step after the present one, or before it."""
        return pyotp.TOTP(self.secret).at(self.clock(), counter_offset=steps)

    def wrong(self) -> str:
        """Return a code of no step near the present one."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(text for text in map("{:06}".format, range(10)) if text not in near)


async def give_authenticator(home: Installation, org: Org, user_id: UUID) -> tuple[Authenticator, list[str]]:
    """Give a user a confirmed authenticator and recovery codes, past the API."""
    secret = pyotp.random_base32()
    async with home.works.begin(org.id, SYSTEM) as work:
        user = await get_user(work, user_id=user_id, lock=True)
        totp = Totp(id=user.id, confirmed_at=work.now(), last_step=0)
        totp.secret = (await work.keyring(sealing=True)).seal(Totp.secret, user.id, secret)
        work.session.add(totp)
        work.record(TotpConfirmed(entity=totp))
        codes = await issue_codes(work, user)
    return Authenticator(secret, home.works.clock), codes


async def enrol(client: httpx.AsyncClient, home: Installation, caller: Caller) -> tuple[Authenticator, list[str]]:
    """Switch a caller's second factor on through the API."""
    made = await client.post("/api/v1/auth/mfa/totp", headers=caller.bearer)
    assert made.status_code == 200, made.text
    app = Authenticator(made.json()["secret"], home.works.clock)
    url = "/api/v1/auth/mfa/totp/confirm"
    confirmed = await client.post(url, json={"code": app.code()}, headers=caller.bearer)
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"]


async def set_policy(home: Installation, org: Org, **fields: object) -> None:
    """Give the organisation rules of its own for signing in."""
    async with home.works.begin(org.id, SYSTEM) as work:
        policy = SignInPolicy(id=org.id, **{"mfa_roles": [], **fields})
        work.session.add(policy)
        work.record(SignInPolicySet(entity=policy))


async def outbox(home: Installation, org: Org) -> list[Letter]:
    """Return the messages of the organisation's users, oldest first."""
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        return list(await read_outbox(work))


async def link_sent(home: Installation, org: Org) -> str:
    """Return the secret of the newest link that was sent."""
    texts = [message.text for message in await outbox(home, org) if "#token=" in message.text]
    return texts[-1].partition("#token=")[2].split()[0]
