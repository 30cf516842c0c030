"""Who am I."""

from holdfast.core.identity.schemas import Me, OrganizationBrief, UserBrief
from holdfast.core.identity.service.credentials import Profile
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("identity.me.read", access="signed_in")
async def read_me(work: Work) -> Me:
    """Return the caller, the organisation, roles and permissions, as the credential's row said."""
    profile = work.presence.profile if work.presence else None
    assert isinstance(profile, Profile)
    assert work.actor.id is not None
    return Me(
        user=UserBrief(id=work.actor.id, email=profile.email, username=profile.username, name=profile.name),
        organization=OrganizationBrief(id=profile.tenant_id, slug=profile.slug, name=profile.organization),
        roles=list(work.actor.roles),
        permissions=sorted(work.actor.permissions),
    )
