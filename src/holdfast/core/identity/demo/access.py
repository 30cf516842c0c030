"""The users of a demo organisation, what they may where and until when, and how all of it came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.demo.plans import AccessPlan, OwnRole
from holdfast.core.identity.facts import (
    RoleAssigned,
    RoleDefined,
    SignInPolicySet,
    UserCreated,
    UserInvited,
    UserStatusChanged,
    UserUpdated,
)
from holdfast.core.identity.models import Role, RoleAssignment, ScopeKind, SignInPolicy, User, UserKind, UserStatus
from holdfast.core.identity.public import add_user
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import named_id
from holdfast.kernel.work import Work

Unit = tuple[ScopeKind, UUID]


@dataclass(frozen=True, slots=True)
class Given:
    """A role that an account holds: where (None for everywhere), since when (None for its beginning), until when."""

    role: str
    unit: Unit | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a demo organisation, whose employee it is, and since when; without a hash nobody signs in to it."""

    email: str
    name: str
    person_id: UUID
    since: datetime
    roles: tuple[Given, ...]
    hashed: str | None = None


@dataclass(frozen=True, slots=True)
class Staffing:
    """The accounts of a demo organisation; `chief` is there already, `away` was suspended before the first sign-in."""

    slug: str
    founded: datetime
    chief_id: UUID
    chief_person_id: UUID
    active: Sequence[Account]
    joining: Account
    away: Account


async def load_access(work: Work, plan: AccessPlan, staffing: Staffing) -> None:
    """Add users, roles, assignments, a program and rules to an organisation whose people are there."""
    founded = staffing.founded
    work.claim(founded + timedelta(hours=3))
    chief = await queries.get_user(work, user_id=staffing.chief_id, lock=True)
    chief.person_id = staffing.chief_person_id
    work.record(UserUpdated(entity=chief))
    if plan.policy:
        policy = SignInPolicy(id=work.tenant_id, mfa_roles=[], **plan.policy)
        work.session.add(policy)
        work.record(SignInPolicySet(entity=policy))
    await work.unload()
    work.claim(founded + timedelta(hours=4))
    own = {each.name: _define(work, staffing, each) for each in (plan.lead, plan.duty)}
    await work.unload()
    for account in staffing.active:
        await _add_active(work, staffing, account, own)
    await _add_program(work, plan, staffing, own)
    await _add_away(work, staffing, own)
    await _add_invited(work, staffing, staffing.joining, own)
    await work.unload()


def _define(work: Work, staffing: Staffing, made: OwnRole) -> UUID:
    role = Role(
        id=named_id(staffing.founded, staffing.slug, "role", made.name),
        name=made.name,
        description=made.description,
        permissions=sorted(made.permissions),
    )
    work.session.add(role)
    work.record(RoleDefined(entity=role))
    return role.id


async def _add_active(work: Work, staffing: Staffing, account: Account, own: dict[str, UUID]) -> None:
    work.claim(account.since)
    user = await add_user(
        work,
        email=account.email,
        name=account.name,
        password_hash=account.hashed,
        roles=(),
        demo=True,
        user_id=user_id_of(staffing.slug, staffing.founded, account.email),
        person_id=account.person_id,
    )
    await _give(work, staffing, user.id, account, own)


async def _add_invited(work: Work, staffing: Staffing, account: Account, own: dict[str, UUID]) -> UUID:
    """Add somebody who was sent a link and has not chosen a password; return the id."""
    work.claim(account.since)
    user_id = user_id_of(staffing.slug, staffing.founded, account.email)
    user = await add_user(
        work,
        email=account.email,
        name=account.name,
        password_hash=None,
        roles=(),
        demo=True,
        user_id=user_id,
        person_id=account.person_id,
        status=UserStatus.INVITED,
    )
    work.record(UserInvited(entity=user))
    await _give(work, staffing, user_id, account, own)
    return user_id


async def _add_away(work: Work, staffing: Staffing, own: dict[str, UUID]) -> None:
    user_id = await _add_invited(work, staffing, staffing.away, own)
    work.claim(staffing.away.since + timedelta(days=6))
    reason = "On leave; to be activated on return"
    user = await queries.get_user(work, user_id=user_id, lock=True)
    user.status, user.status_reason = UserStatus.SUSPENDED, reason
    work.record(UserStatusChanged(entity=user, reason=reason))
    await work.unload()


async def _add_program(work: Work, plan: AccessPlan, staffing: Staffing, own: dict[str, UUID]) -> None:
    """Add an account that only API keys act for; the demo has no key, since a key is a secret."""
    username, name = plan.program
    work.claim(staffing.founded + timedelta(days=60))
    user = User(
        id=user_id_of(staffing.slug, staffing.founded, username),
        kind=UserKind.SERVICE,
        username=username,
        name=name,
        status=UserStatus.ACTIVE,
        demo=True,
    )
    work.session.add(user)
    work.record(UserCreated(entity=user))
    await work.flush()
    _assign(work, staffing, user.id, Given(plan.duty.name), own)
    await work.unload()


async def _give(work: Work, staffing: Staffing, user_id: UUID, account: Account, own: dict[str, UUID]) -> None:
    for given in account.roles:
        if given.since is not None:
            await work.unload()
            work.claim(given.since)
        _assign(work, staffing, user_id, given, own)
    await work.unload()


def _assign(work: Work, staffing: Staffing, user_id: UUID, given: Given, own: dict[str, UUID]) -> None:
    kind, unit_id = given.unit or (None, None)
    role_id = None if given.role in guards.ROLES else own[given.role]
    held = RoleAssignment(
        id=named_id(work.now(), staffing.slug, str(user_id), given.role, str(unit_id)),
        user_id=user_id,
        role=given.role,
        role_id=role_id,
        role_key=given.role if role_id is None else str(role_id),
        scope_kind=kind,
        scope_key=unit_id or NOBODY,
        given_at=work.now(),
        ends_at=given.until,
        ended_key=NOBODY,
    )
    if kind is not None:
        setattr(held, f"{kind}_id", unit_id)
    work.session.add(held)
    work.record(RoleAssigned(entity=held))


def user_id_of(slug: str, founded: datetime, name: str) -> UUID:
    """Return the id of the user whom a demo organisation knows by an address or a user name."""
    return named_id(founded, slug, "user", name)
