"""Users: adding, changing, listing, suspending, deleting."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from holdfast.core.directory.public import hold_structure, name_unit
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import InvitationOpen, OwnAccount, UserNotDeleted
from holdfast.core.identity.facts import (
    EmailChanged,
    PasswordSet,
    RoleAssigned,
    UserCreated,
    UserDeleted,
    UserRestored,
    UserStatusChanged,
    UserUpdated,
)
from holdfast.core.identity.models import Password, RoleAssignment, User, UserKind, UserStatus
from holdfast.core.identity.schemas import UserCreate, UserOut, UserReplace, UserUpdate
from holdfast.core.identity.service.administrators import (
    hold_administrators,
    require_lasting,
    require_other_administrator,
)
from holdfast.core.identity.service.assignments import give_role, require_giver
from holdfast.core.identity.service.invitations import invite
from holdfast.core.identity.service.links import end_links
from holdfast.core.identity.service.names import move_names, names_of
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.rights import rights_of
from holdfast.core.identity.service.sessions import end_sessions
from holdfast.kernel.db import NOBODY, folded
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
    person_id: UUID | None = None,
    status: UserStatus = UserStatus.ACTIVE,
) -> User:
    """Add a user with roles and, where given, a password that was hashed before this transaction began."""
    user = User(
        id=user_id or work.new_id(),
        email=email,
        username=username,
        name=name,
        person_id=person_id,
        status=status,
        demo=demo,
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
    await move_names(work, before=set(), after=names_of(work, user))
    return user


@verb("identity.user.read")
async def list_users(work: Work, params: queries.UserList) -> Page[UserOut]:
    """Return one page of users, each with its roles."""
    asked = params.given()
    if params.role is not None:
        own = await queries.find_role_called(work, name_key=folded(params.role))
        key = str(own.id) if own is not None and params.role not in guards.ROLES else params.role
        asked["role"] = (key, work.now())
    asked.setdefault("deleted", False)
    rows, meta = await queries.USERS.rows_and_meta(work, queries.UsersHolding(**asked))
    roles = await roles_of(work, [UUID(str(row["id"])) for row in rows])
    users = [UserOut(**row, roles=roles[UUID(str(row["id"]))]) for row in rows]
    return Page[UserOut](data=users, meta=Meta.model_validate(meta))


@verb("identity.user.read")
async def read_user(work: Work, *, user_id: UUID) -> User:
    """Return a user; raise UserNotFound."""
    return await queries.get_user(work, user_id=user_id)


@verb("identity.user.create", writes=True)
async def create_user(work: Work, fields: UserCreate) -> User:
    """Add a user, who is sent a link to choose a password and is `invited` until then.

    Raises UniqueViolation naming the field that another user has, Invalid for a person or role that is not there, and
    what `assign_role` raises where roles are given.
    """
    if fields.roles:
        await require_giver(work)
    await hold_structure(work)
    if fields.person_id is not None:
        await name_unit(work, "person", fields.person_id, field="body.person_id")
    user = User(id=work.new_id(), status=UserStatus.INVITED, **fields.model_dump(exclude={"roles"}))
    work.session.add(user)
    await work.flush()
    work.record(UserCreated(entity=user))
    await move_names(work, before=set(), after=names_of(work, user))
    for index, each in enumerate(fields.roles):
        await give_role(work, user, each, at=f"body.roles[{index}]")
    await invite(work, user)
    await work.flush()
    return user


@verb("identity.user.update", writes=True)
async def update_user(
    work: Work, *, user_id: UUID, fields: UserReplace | UserUpdate, expected: int | None = None
) -> User:
    """Change a user: a UserReplace sets every field, a UserUpdate those it was given.

    Another address asks for the right to change it besides. Raises PreconditionFailed for an outdated version,
    UniqueViolation naming the field that another user has, LastAdministrator where the only one who administers would
    become an employee who leaves, and what `change_email` raises.
    """
    changes: dict[str, Any] = fields.model_dump() if isinstance(fields, UserReplace) else fields.given()
    if changes.get("person_id") is not None:
        await hold_administrators(work)
    user = await queries.get_user(work, user_id=user_id, lock=True)
    check_version(user, expected)
    email = changes.pop("email", user.email)
    enforce(guards.can_have_email(user.kind, email))
    person_id = changes.get("person_id")
    if person_id is not None and person_id != user.person_id:
        await name_unit(work, "person", person_id, field="body.person_id")
        await require_lasting(work, user_id=user_id, person_id=person_id)
    names = names_of(work, user)
    for name, value in changes.items():
        setattr(user, name, value)
    changed = work.session.is_modified(user)
    if email != user.email:
        await change_email(work, user=user, email=email, names=names)
    elif changed:
        work.record(UserUpdated(entity=user))
        await work.flush()
        await move_names(work, before=names, after=names_of(work, user))
    return user


@verb("identity.user.change_email", writes=True, step_up=True)
async def change_email(work: Work, *, user: User, email: str | None, names: set[bytes]) -> None:
    """Give another user, whose row is locked, another address; the old one is told, an open invitation sent anew.

    `names` are those that the user was known by. Raises OwnAccount for oneself, and MoreRights for a user who may what
    the actor may not: whoever has the address can have a new password sent to it.
    """
    if user.id == work.actor.id:
        raise OwnAccount("Change your own address with POST /api/v1/auth/email.")
    enforce(guards.can_hold(work.actor, await rights_of(work, user_id=user.id)))
    await set_email(work, user, email, names=names)
    if user.status is UserStatus.INVITED:
        await invite(work, user)


# lint: allow verb – a step of verbs that change an address
async def set_email(work: Work, user: User, email: str | None, *, names: set[bytes]) -> None:
    """Set the address of a user, whose row is locked, tell the old one, and end the links that were sent to it."""
    old = user.email
    user.email = email
    work.record(EmailChanged(entity=user))
    await work.flush()
    await move_names(work, before=names, after=names_of(work, user))
    await end_links(work, user=user)
    if old is not None and user.status is not UserStatus.INVITED:
        await notify(work, user, "email_changed", to=old, email=email or "-")


@verb("identity.user.delete", writes=True)
async def delete_user(work: Work, *, user_id: UUID, expected: int | None = None) -> None:
    """Put a user into the trash: sessions, keys and links end, the roles stay with the row.

    Raises UserNotFound, OwnAccount, LastAdministrator, and PreconditionFailed for an outdated version.
    """
    await hold_administrators(work)
    user = await queries.get_user(work, user_id=user_id, lock=True)
    check_version(user, expected)
    enforce(guards.can_delete_user(work.actor, user_id))
    await require_other_administrator(work, but=user_id)
    await end_sessions(work, user_id=user_id, reason="deleted", keys=True)
    await end_links(work, user=user)
    await move_names(work, before=names_of(work, user), after=set())
    user.deleted_at, user.deleted_key = work.now(), user.id
    work.record(UserDeleted(entity=user))


@verb("identity.user.restore", writes=True, step_up=True)
async def restore_user(work: Work, *, user_id: UUID, expected: int | None = None) -> User:
    """Take a user out of the trash with the roles that they held.

    Raises UserNotDeleted, MoreRights where they held what the actor does not, and UniqueViolation where another user
    has the address, the user name or the person meanwhile.
    """
    user = await queries.get_user(work, user_id=user_id, lock=True, deleted=True)
    check_version(user, expected)
    if user.deleted_key == NOBODY:
        raise UserNotDeleted
    enforce(guards.can_hold(work.actor, await rights_of(work, user_id=user_id)))
    user.deleted_at, user.deleted_key = None, NOBODY
    work.record(UserRestored(entity=user))
    await work.flush()
    await move_names(work, before=set(), after=names_of(work, user))
    return user


@verb("identity.user.suspend", writes=True)
async def change_status(
    work: Work, *, user_id: UUID, status: UserStatus, reason: str | None = None, expected: int | None = None
) -> User:
    """Suspend or re-activate a user: every credential of a suspended one is dead when this commits, and stays dead.

    Who never chose a password is invited again, not active. Raises UserNotFound, OwnStatus for oneself,
    LastAdministrator, InvitationOpen, and PreconditionFailed for an outdated version.
    """
    enforce(guards.can_change_status(work.actor, user_id))
    await hold_administrators(work)
    user = await queries.get_user(work, user_id=user_id, lock=True)
    check_version(user, expected)
    if user.status is status:
        return user
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if status is UserStatus.ACTIVE and user.status is UserStatus.INVITED:
        raise InvitationOpen
    if status is UserStatus.SUSPENDED:
        await require_other_administrator(work, but=user_id)
        await end_links(work, user=user)
    elif password is not None:
        password.failures = 0
    back = status is UserStatus.ACTIVE and password is None and user.kind is UserKind.PERSON
    user.status, user.status_reason = (UserStatus.INVITED if back else status), reason
    work.record(UserStatusChanged(entity=user, reason=reason))
    if status is UserStatus.SUSPENDED:
        await end_sessions(work, user_id=user_id, reason="suspended", keys=True)
    return user


# lint: allow verb – completes what a verb gives
async def shown(work: Work, user: User) -> UserOut:
    """Return a user as the API shows it."""
    await work.flush()
    return UserOut.of(user, (await roles_of(work, [user.id]))[user.id])


# lint: allow verb – completes what a verb gives
async def roles_of(work: Work, user_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the roles of the users, one query for all."""
    found: dict[UUID, list[str]] = {user_id: [] for user_id in user_ids}
    for assignment in await queries.list_roles(work, user_ids=user_ids):
        if assignment.role not in found[assignment.user_id]:
            found[assignment.user_id].append(assignment.role)
    return found
