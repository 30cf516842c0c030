"""Who am I."""

from holdfast.core.identity import queries
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.models import ScopeKind
from holdfast.core.identity.schemas import GrantOut, Me, MeUser, OrganizationBrief, OwnUpdate, UnitOut
from holdfast.core.identity.service.applications import switched_off
from holdfast.core.identity.service.credentials import Held, Profile
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("identity.me.read", access="signed_in")
async def read_me(work: Work) -> Me:
    """Return the caller, the organisation, roles and permissions, as the credential's row said, and the own choices."""
    profile = work.presence.profile if work.presence else None
    assert isinstance(profile, Profile)
    assert work.actor.id is not None
    off = await switched_off(work)
    return Me(
        user=MeUser(
            id=work.actor.id,
            email=profile.email,
            username=profile.username,
            name=profile.name,
            locale=profile.locale,
            time_zone=profile.time_zone,
            version=profile.version,
        ),
        organization=OrganizationBrief(id=profile.tenant_id, slug=profile.slug, name=profile.organization),
        roles=list(work.actor.roles),
        permissions=sorted(work.actor.permissions),
        applications=[app.name for app in desk_of(work.house).optional_apps if app.name not in off],
        grants=[_granted(each) for each in profile.held],
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
    told = await read_me(work)
    shown = told.user.model_copy(
        update={"name": user.name, "locale": user.locale, "time_zone": user.time_zone, "version": user.version}
    )
    return told.model_copy(update={"user": shown})


def _granted(held: Held) -> GrantOut:
    unit = None
    if held.kind is not None and held.unit_id is not None:
        unit = UnitOut(kind=ScopeKind(held.kind), id=held.unit_id)
    return GrantOut(role=held.role, unit=unit, ends_at=held.ends_at)
