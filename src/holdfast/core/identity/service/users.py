"""Users: adding, listing, suspending."""

from collections.abc import Sequence
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.facts import PasswordSet, RoleAssigned, UserCreated, UserStatusChanged
from holdfast.core.identity.models import Password, RoleAssignment, SignInName, User, UserStatus
from holdfast.core.identity.schemas import UserOut
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.sessions import end_sessions
from holdfast.kernel.db import NOBODY
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work, check_version


# lint: allow verb – a step of set-up, commands and demo data; people get a verb with invitations
async def add_user(
    work: Work,
    *,
    email: str | None,
    name: str,
    password_hash: str | None,
    roles: Sequence[str],
    username: str | None = None,
    demo: bool = False,
    user_id: UUID | None = None,
) -> User:
    """Add a user with roles and, where given, a password that was hashed before this transaction began."""
    user = User(
        id=user_id or work.new_id(), email=email, username=username, name=name, status=UserStatus.ACTIVE, demo=demo
    )
    work.session.add(user)
    await work.flush()
    work.record(UserCreated(entity=user))
    for role in roles:
        assignment = RoleAssignment(
            id=work.new_id(), user_id=user.id, role=role, role_key=role, given_at=work.now(), ended_key=NOBODY
        )
        work.session.add(assignment)
        work.record(RoleAssigned(entity=assignment))
    if password_hash is not None:
        password = Password(id=user.id, hash=password_hash, changed_at=work.now(), failures=0)
        work.session.add(password)
        work.record(PasswordSet(entity=password))
    desk = desk_of(work.house)
    for known_as in {email, username} - {None}:
        work.session.add(SignInName(name_hash=desk.name_hash(str(known_as)), tenant_id=work.tenant_id))
    return user


@verb("identity.user.read")
async def list_users(work: Work, params: queries.UserList) -> Page[UserOut]:
    """Return one page of users, each with its roles."""
    rows, meta = await queries.USERS.rows_and_meta(work, params)
    roles = await roles_of(work, [UUID(str(row["id"])) for row in rows])
    users = [UserOut(**row, roles=roles[UUID(str(row["id"]))]) for row in rows]
    return Page[UserOut](data=users, meta=Meta.model_validate(meta))


@verb("identity.user.suspend", writes=True)
async def change_status(
    work: Work, *, user_id: UUID, status: UserStatus, reason: str | None = None, expected: int | None = None
) -> User:
    """Suspend or re-activate a user: every credential of a suspended one is dead when this commits, and stays dead.

    Raises UserNotFound, OwnStatus for oneself, and PreconditionFailed for an outdated version.
    """
    enforce(guards.can_change_status(work.actor, user_id))
    user = await queries.get_user(work, user_id=user_id, lock=True)
    check_version(user, expected)
    if user.status is not status:
        user.status, user.status_reason = status, reason
        password = await queries.find_password(work, user_id=user_id, lock=True)
        if password is not None and status is UserStatus.ACTIVE:
            password.failures = 0
        work.record(UserStatusChanged(entity=user, reason=reason))
        if status is UserStatus.SUSPENDED:
            await end_sessions(work, user_id=user_id, reason="suspended", keys=True)
    return user


# lint: allow verb – completes what a verb gives
async def roles_of(work: Work, user_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the roles of the users, one query for all."""
    found: dict[UUID, list[str]] = {user_id: [] for user_id in user_ids}
    for assignment in await queries.list_roles(work, user_ids=user_ids):
        found[assignment.user_id].append(assignment.role)
    return found


# lint: allow verb – asked by verbs that compare two users' rights
async def permissions_of(work: Work, user_id: UUID) -> frozenset[str]:
    """Return every permission that a user's roles hold, anywhere."""
    desk = desk_of(work.house)
    built_in = guards.table_of_roles(desk.permissions)
    own = {role.id: role for role in await queries.list_own_roles(work)}
    held: frozenset[str] = frozenset()
    for each in await queries.list_roles(work, user_ids=[user_id]):
        if each.role_id is None:
            held |= built_in.get(each.role, frozenset())
        else:
            permissions = own[each.role_id].permissions
            held |= frozenset(str(name) for name in permissions) if isinstance(permissions, list) else frozenset()
    return held if work.tenant_id == desk.system_tenant else held & desk.permission_names
