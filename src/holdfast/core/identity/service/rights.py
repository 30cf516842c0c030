"""What roles come to: the built-in ones, those of the organisation's own, and who may give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import RoleNotFound
from holdfast.core.identity.models import Role
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.db import folded
from holdfast.kernel.errors import Invalid
from holdfast.kernel.ids import parse_id
from holdfast.kernel.permissions import Permission
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True)
class Meant:
    """A role that was named: a built-in one, or one of the organisation's own."""

    name: str
    key: str
    role_id: UUID | None
    permissions: frozenset[str]


def known_permissions(work: Work) -> Mapping[str, Permission]:
    """Return every permission that counts in this organisation, by name; a platform one only in the operators'."""
    desk = desk_of(work.house)
    operators = work.tenant_id == desk.system_tenant
    return {each.name: each for app in desk.apps for each in app.permissions if operators or not each.platform}


def permissions_of(work: Work, role: str | Role) -> frozenset[str]:
    """Return what a built-in role or one of the organisation's own comes to."""
    known = known_permissions(work)
    if isinstance(role, str):
        return frozenset(each.name for each in known.values() if role in each.roles)
    assert isinstance(role.permissions, list)
    return frozenset(known) & {str(each) for each in role.permissions}


# lint: allow verb – reads what a verb was told of
async def find_role(work: Work, text: str, *, field: str) -> Meant:
    """Return the role of this name or id, kept as it is until this transaction ends; raise Invalid with the field."""
    if text in guards.ROLES:
        return Meant(text, text, None, permissions_of(work, text))
    role_id = parse_id(text)
    if role_id is None:
        own = await queries.find_role_called(work, name_key=folded(text), hold=True)
    else:
        try:
            own = await queries.get_role(work, role_id=role_id, hold=True)
        except RoleNotFound:
            own = None
    if own is None:
        raise Invalid.field(field, "unknown", "there is no such role")
    return Meant(own.name, str(own.id), own.id, permissions_of(work, own))


# lint: allow verb – reads what a verb is to judge by
async def rights_of(work: Work, *, user_id: UUID) -> frozenset[str]:
    """Return everything that a user's roles come to, wherever it holds."""
    held = await queries.list_roles(work, user_ids=[user_id])
    own = await queries.list_roles_by_id(work, role_ids=[each.role_id for each in held if each.role_id is not None])
    roles: list[str | Role] = [each.role for each in held if each.role_id is None]
    return frozenset().union(*(permissions_of(work, role) for role in (*roles, *own)))
