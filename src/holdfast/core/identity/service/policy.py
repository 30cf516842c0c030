"""What an organisation asks of those who sign in: its own rule where it has one, the installation's otherwise."""

from dataclasses import dataclass
from datetime import timedelta

from holdfast.core.identity import queries
from holdfast.core.identity.models import SignInPolicy
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
    def of(cls, settings: Settings, policy: SignInPolicy | None) -> "Lengths":
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
