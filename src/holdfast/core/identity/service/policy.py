"""What an organisation asks of those who sign in: its own rule where it has one, the installation's otherwise."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.models import SignInPolicy
from holdfast.core.identity.queries import Standing
from holdfast.kernel.db import Json, folded
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long sessions last, unused and at most."""

    cookie_idle: timedelta
    cookie_most: timedelta
    token_idle: timedelta
    token_most: timedelta

    @classmethod
    def of(cls, settings: Settings, policy: SignInPolicy | Standing | None) -> "Lengths":
        """Return the lengths that hold under a policy, None for none."""
        idle = (policy and policy.session_idle_minutes) or settings.session_idle_min
        most = (policy and policy.session_absolute_hours) or settings.session_absolute_hours
        token_idle = (policy and policy.refresh_idle_days) or settings.refresh_token_expire_days
        token_most = (policy and policy.refresh_absolute_days) or settings.refresh_token_absolute_days
        return cls(
            timedelta(minutes=idle), timedelta(hours=most), timedelta(days=token_idle), timedelta(days=token_most)
        )


# lint: allow verb – a step of verbs that open and prolong sessions
async def lengths_of(work: Work) -> Lengths:
    """Return how long the organisation's sessions last."""
    return Lengths.of(work.settings, await queries.find_policy(work))


# lint: allow verb – a step of verbs that let somebody in or set a password
async def needs_second_factor(work: Work, user_id: UUID) -> bool:
    """Tell whether the organisation asks a second factor of a user, who holds one of the roles it names."""
    policy = await queries.find_policy(work)
    return policy is not None and await holds_any(work, user_id, policy.mfa_roles)


# lint: allow verb – a step of verbs that let somebody in or set a password
async def holds_any(work: Work, user_id: UUID, names: Json) -> bool:
    """Tell whether a user holds one of the roles that a policy names."""
    named = {folded(str(name)) for name in names} if isinstance(names, list) else set()
    return bool(named) and any(folded(name) in named for name in await queries.list_role_names(work, user_id=user_id))


# lint: allow verb – a step of verbs that set a password
async def shortest_password(work: Work, user_id: UUID) -> int:
    """Return how many characters a user's password must have: fewer where a second factor stands beside it."""
    policy, totp = await queries.find_policy(work), await queries.find_totp(work, user_id=user_id)
    if (totp is not None and totp.confirmed_at is not None) or await needs_second_factor(work, user_id):
        return (policy and policy.password_min_length_with_mfa) or work.settings.password_min_length_with_mfa
    return (policy and policy.password_min_length) or work.settings.password_min_length
