"""The organisation's rules for signing in, seen and set by its administrators."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from holdfast.core.identity import queries
from holdfast.core.identity.errors import OwnNetworkExcluded
from holdfast.core.identity.facts import SignInPolicySet
from holdfast.core.identity.models import SignInPolicy
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("identity.sign_in_policy.read")
async def get_policy(work: Work) -> SignInPolicy:
    """Return the rules; where none were set, those that leave everything to the installation, at version 0."""
    return await queries.find_policy(work) or _none(work)


@verb("identity.sign_in_policy.update", writes=True, step_up=True)
async def set_policy(work: Work, *, values: dict[str, object], expected: int | None = None) -> SignInPolicy:
    """Set the rules as a whole; sessions that are open keep their lengths, networks hold from the next request on.

    Raises OwnNetworkExcluded where the networks would shut out the caller, PreconditionFailed.
    """
    networks = values.get("networks")
    if isinstance(networks, list) and not _holds(networks, work.request.ip):
        raise OwnNetworkExcluded(f"Your own address {work.request.ip} is in none of the networks.")
    await queries.hold_tenant(work)
    policy = await queries.find_policy(work, lock=True)
    check_version(policy or _none(work), expected)
    if policy is None:
        policy = SignInPolicy(id=work.tenant_id)
        work.session.add(policy)
    for name, value in values.items():
        setattr(policy, name, value)
    work.record(SignInPolicySet(entity=policy))
    return policy


def _none(work: Work) -> SignInPolicy:
    now = work.now()
    return SignInPolicy(id=work.tenant_id, version=0, mfa_roles=[], created_at=now, updated_at=now)


def _holds(networks: Sequence[object], ip: str | None) -> bool:
    if ip is None:
        return False
    address = ip_address(ip)
    return any(address in ip_network(str(each)) for each in networks)
