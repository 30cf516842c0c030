"""Roles of the organisation's own: sets of permissions that their makers hold."""

from collections.abc import Sequence
from uuid import UUID

from holdfast.core.directory.public import hold_structure
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import RoleInUse, RoleNameTaken, RoleNotDeleted, TooManyRoles
from holdfast.core.identity.facts import RoleChanged, RoleDefined, RoleDeleted, RoleRestored, SignInPolicySet
from holdfast.core.identity.models import Role
from holdfast.core.identity.schemas import (
    PermissionList,
    PermissionOut,
    RoleCreate,
    RoleOut,
    RoleReplace,
    Roles,
    RoleUpdate,
)
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.rights import known_permissions, permissions_of
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.ids import parse_id
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work, check_version

MOST = 200
BUILT_IN = frozenset(map(folded, guards.ROLES))
OF_A_RECORD = ("id", "version", "created_at", "updated_at", "created_by", "updated_by", "deleted_at")


@verb("identity.role.read")
async def list_permissions(work: Work) -> PermissionList:
    """Return every right that counts in this organisation, by name."""
    known = known_permissions(work)
    slices = {each.name: app.name for app in desk_of(work.house).apps for each in app.permissions}
    return PermissionList(
        data=[PermissionOut(name=name, title=known[name].title, slice=slices[name]) for name in sorted(known)]
    )


@verb("identity.role.read")
async def list_roles(work: Work, params: queries.RoleList) -> Roles:
    """Return the built-in roles and, by name, the organisation's own; or those of its own in the trash."""
    own = await queries.list_own_roles(work, deleted=params.deleted)
    built_in = () if params.deleted else guards.ROLES
    return Roles(data=[*(_built_in(work, name) for name in built_in), *(shown(work, role) for role in own)])


@verb("identity.role.read")
async def read_role(work: Work, *, role_id: UUID) -> Role:
    """Return a role of the organisation's own; raise RoleNotFound."""
    return await queries.get_role(work, role_id=role_id)


@verb("identity.role.create", writes=True, step_up=True)
async def create_role(work: Work, fields: RoleCreate) -> Role:
    """Make a role of permissions that the actor holds everywhere.

    Raises Invalid naming a permission that there is none of, MoreRights, RoleNameTaken, TooManyRoles.
    """
    _check_name(fields.name)
    enforce(guards.can_hold(work.actor, fields.permissions, locations=_check_permissions(work, fields.permissions)))
    if len(await queries.list_own_roles(work)) >= MOST:
        raise TooManyRoles(f"An organisation has at most {MOST} roles of its own.")
    role = Role(
        id=work.new_id(),
        name=fields.name,
        description=fields.description,
        permissions=sorted(set(fields.permissions)),
    )
    work.session.add(role)
    work.record(RoleDefined(entity=role))
    await work.flush()
    return role


@verb("identity.role.update", writes=True, step_up=True)
async def update_role(
    work: Work, *, role_id: UUID, fields: RoleReplace | RoleUpdate, expected: int | None = None
) -> Role:
    """Change a role for all who hold it; the actor holds everything that it has and will have.

    Another name holds wherever the role was given, and where the rules for signing in name it. Raises what
    `create_role` raises, RoleNotFound, and PreconditionFailed for an outdated version.
    """
    changes = fields.model_dump() if isinstance(fields, RoleReplace) else fields.given()
    if "name" in changes:
        await hold_structure(work, change=True)  # before the role, as who gives or takes it does
    role = await queries.get_role(work, role_id=role_id, lock=True)
    check_version(role, expected)
    before = role.name
    if "name" in changes:
        _check_name(fields.name)
    if "permissions" in changes:
        locations = _check_permissions(work, fields.permissions)
        enforce(guards.can_hold(work.actor, fields.permissions, locations=locations))
        changes["permissions"] = sorted(set(fields.permissions))
    enforce(guards.can_hold(work.actor, permissions_of(work, role)))
    for name, value in changes.items():
        if getattr(role, name) != value:
            setattr(role, name, value)
    if work.session.is_modified(role):
        work.record(RoleChanged(entity=role))
        await work.flush()
    if role.name != before:
        await queries.rename_given(work, role_id=role.id, name=role.name)
        await _rename_in_policy(work, before, role.name)
    return role


@verb("identity.role.delete", writes=True, step_up=True)
async def delete_role(work: Work, *, role_id: UUID, expected: int | None = None) -> None:
    """Put a role into the trash; raise RoleInUse with the number of users that hold it."""
    role = await queries.get_role(work, role_id=role_id, lock=True)
    check_version(role, expected)
    enforce(guards.can_hold(work.actor, permissions_of(work, role)))
    holders = await queries.count_holders(work, role_id=role_id)
    if holders:
        raise RoleInUse(f"{holders} {'user holds' if holders == 1 else 'users hold'} the role.")
    role.deleted_at, role.deleted_key = work.now(), role.id
    work.record(RoleDeleted(entity=role))


@verb("identity.role.restore", writes=True, step_up=True)
async def restore_role(work: Work, *, role_id: UUID, expected: int | None = None) -> Role:
    """Take a role out of the trash; raise RoleNotDeleted, MoreRights, UniqueViolation where its name was taken."""
    role = await queries.get_role(work, role_id=role_id, lock=True, deleted=True)
    check_version(role, expected)
    if role.deleted_key == NOBODY:
        raise RoleNotDeleted
    enforce(guards.can_hold(work.actor, permissions_of(work, role)))
    role.deleted_at, role.deleted_key = None, NOBODY
    work.record(RoleRestored(entity=role))
    await work.flush()
    return role


async def _rename_in_policy(work: Work, before: str, after: str) -> None:
    """Let the rules for signing in go on asking the role's holders for a second factor."""
    await queries.hold_tenant(work)
    policy = await queries.find_policy(work, lock=True)
    names = policy.mfa_roles if policy is not None and isinstance(policy.mfa_roles, list) else []
    if policy is not None and folded(before) in {folded(str(name)) for name in names}:
        policy.mfa_roles = [after if folded(str(name)) == folded(before) else name for name in names]
        work.record(SignInPolicySet(entity=policy))
        await work.flush()


def shown(work: Work, role: Role) -> RoleOut:
    """Return a role of the organisation's own as the API shows it."""
    record = {name: getattr(role, name) for name in OF_A_RECORD}
    return RoleOut(
        name=role.name,
        description=role.description,
        built_in=False,
        permissions=sorted(permissions_of(work, role)),
        **record,
    )


def _built_in(work: Work, name: str) -> RoleOut:
    nothing = dict.fromkeys(OF_A_RECORD)
    return RoleOut(
        name=name, description=None, built_in=True, permissions=sorted(permissions_of(work, name)), **nothing
    )


def _check_name(name: str) -> None:
    """Refuse the names of built-in roles, and what would be taken for the id of another role."""
    if folded(name) in BUILT_IN:
        raise RoleNameTaken
    if parse_id(name) is not None:
        raise Invalid.field("body.name", "invalid", "must not be an id")


def _check_permissions(work: Work, permissions: Sequence[str]) -> dict[str, str]:
    """Return where each permission stands in the request; raise Invalid naming those that there are none of."""
    known = known_permissions(work)
    places = {name: f"body.permissions[{index}]" for index, name in enumerate(permissions)}
    faults = [
        FieldError(f"body.permissions[{index}]", "unknown", "there is no such permission")
        for index, name in enumerate(permissions)
        if name not in known
    ]
    if faults:
        raise Invalid(f"{faults[0].location}: {faults[0].message}", errors=faults)
    return places
