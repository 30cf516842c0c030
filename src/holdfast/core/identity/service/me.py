"""Who am I."""

from holdfast.core.identity import queries
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.models import RoleAssignment
from holdfast.core.identity.schemas import GrantOut, Me, MeUser, OrganizationBrief, OwnUpdate, UnitOut
from holdfast.core.identity.service.credentials import Profile
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("identity.me.read", access="signed_in")
async def read_me(work: Work) -> Me:
    """Return the caller, the organisation, roles and permissions, as the credential's row said, and the own choices."""
    profile = work.presence.profile if work.presence else None
    assert isinstance(profile, Profile)
    assert work.actor.id is not None
    locale = time_zone = version = None
    grants: list[GrantOut] = []
    name = profile.name
    if profile.user_id is not None:  # an operator with emergency access is no user here
        user, held = await queries.get_user_with_roles(work, user_id=profile.user_id)
        name, locale, time_zone, version = user.name, user.locale, user.time_zone, user.version
        grants = [_granted(each) for each in held]
    return Me(
        user=MeUser(
            id=work.actor.id,
            email=profile.email,
            username=profile.username,
            name=name,
            locale=locale,
            time_zone=time_zone,
            version=version,
        ),
        organization=OrganizationBrief(id=profile.tenant_id, slug=profile.slug, name=profile.organization),
        roles=list(work.actor.roles),
        permissions=sorted(work.actor.permissions),
        grants=grants,
    )


@verb("identity.me.update", access="signed_in", writes=True, personal=True)
async def update_me(work: Work, fields: OwnUpdate, *, expected: int | None = None) -> Me:
    """Change the caller's name and how they like to be shown things; raise PreconditionFailed for an old version."""
    assert work.actor.id is not None
    user = await queries.get_user(work, user_id=work.actor.id, lock=True)
    check_version(user, expected)
    for name, value in fields.given().items():
        setattr(user, name, value)
    if work.session.is_modified(user):
        work.record(UserUpdated(entity=user))
        await work.flush()
    return await read_me(work)


def _granted(held: RoleAssignment) -> GrantOut:
    unit = None if held.scope_kind is None else UnitOut(kind=held.scope_kind, id=held.scope_key)
    return GrantOut(role=held.role, unit=unit, ends_at=held.ends_at)
