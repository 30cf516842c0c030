"""Importing users from a file, with the hashes of their passwords: all of them or nothing."""

from uuid import UUID

from holdfast.core.directory.public import hold_structure
from holdfast.core.identity import queries
from holdfast.core.identity.errors import ImportRefused, MoreRights
from holdfast.core.identity.facts import PasswordSet, RoleAssigned, UserImported, UsersImported
from holdfast.core.identity.guards import can_hold
from holdfast.core.identity.models import Password, RoleAssignment, SignInName, User, UserStatus
from holdfast.core.identity.schemas import UsersImportReport
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.invitations import invite
from holdfast.core.identity.service.rights import Meant, find_role
from holdfast.core.identity.service.users_file import Faults, Row, UsersFile, read_users
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import SYSTEM, verb
from holdfast.kernel.work import Work, Works

# Users and their entries of so many rows are held in memory at once.
AT_ONCE = 100


@verb("identity.user.import", writes=True, step_up=True)
async def import_users(work: Work, file: UsersFile, *, dry_run: bool = False) -> UsersImportReport:
    """Add the users of a file that was read with `read_users`; a dry run only tells what would happen.

    Who has no password is invited. Raises ImportRefused with the first thousand faults where anything is wrong, among
    them a role that the actor may not give: nothing is imported then.
    """
    await hold_structure(work)
    faults = Faults(file.faults.count, list(file.faults.listed))
    roles = await _roles(work, file, faults)
    await _check_names(work, file, faults)
    listed = sorted(faults.listed, key=lambda fault: fault.line)
    if faults.count and not dry_run:
        raise ImportRefused(
            f"{faults.count} faults in {file.count} rows.",
            errors=[
                FieldError(
                    f"line {each.line}" + (f", column {each.column}" if each.column else ""), each.code, each.message
                )
                for each in listed
            ],
        )
    if not dry_run:
        await _add_users(work, file, roles)
    imported = 0 if faults.count or dry_run else len(file.rows)
    return UsersImportReport(
        dry_run=dry_run, rows=file.count, imported=imported, error_count=faults.count, errors=listed
    )


# lint: allow verb – opens the unit of work of a command and calls the verb
async def import_users_file(
    works: Works, *, tenant_id: UUID, content: bytes, file_name: str, dry_run: bool = False
) -> UsersImportReport:
    """Import a file for a command, as the system; raises ImportRefused."""
    file = await read_users(content, file_name=file_name)
    async with works.begin(tenant_id, SYSTEM) as work:
        return await import_users(work, file, dry_run=dry_run)


async def _roles(work: Work, file: UsersFile, faults: Faults) -> dict[str, Meant]:
    """Return what each role of the file means, with a fault a row for one that there is none of or that is too much."""
    found: dict[str, Meant] = {}
    wrong: dict[str, tuple[str, str]] = {}
    for row in file.rows:
        for name in row.roles:
            if name not in found and name not in wrong:
                try:
                    found[name] = await find_role(work, name, field="roles")
                except Invalid:
                    wrong[name] = "unknown_role", f"there is no role {name[:63]!r}"
                else:
                    if can_hold(work.actor, found[name].permissions) is not None:
                        wrong[name] = MoreRights.code.lower(), f"{name!r} holds more than you do"
            if name in wrong:
                faults.add(row.line, "roles", *wrong[name])
    return found


async def _check_names(work: Work, file: UsersFile, faults: Faults) -> None:
    emails = {folded(row.email) for row in file.rows}
    usernames = {folded(row.username) for row in file.rows if row.username}
    taken = await queries.list_taken_names(work, email_keys=emails, username_keys=usernames)
    for row in file.rows:
        for column, text in (("email", row.email), ("username", row.username)):
            if text is not None and folded(text) in taken:
                faults.add(row.line, column, "taken", f"{text!r} is taken by a user of the organisation")


async def _add_users(work: Work, file: UsersFile, roles: dict[str, Meant]) -> None:
    for start in range(0, len(file.rows), AT_ONCE):
        chunk = file.rows[start : start + AT_ONCE]
        users = [_user(work, row) for row in chunk]
        await work.flush()
        for row, user in zip(chunk, users, strict=True):
            _complete(work, row, user, roles)
            if user.status is UserStatus.INVITED:
                await invite(work, user)
        await work.unload()
    work.record(UsersImported(file=file.name, sha256=file.sha256, count=len(file.rows)))


def _user(work: Work, row: Row) -> User:
    user = User(id=work.new_id(), email=row.email, username=row.username, name=row.name, status=row.status)
    work.session.add(user)
    work.record(UserImported(entity=user, line=row.line))
    return user


def _complete(work: Work, row: Row, user: User, roles: dict[str, Meant]) -> None:
    """Add what belongs to a user: roles, password, the names to sign in by."""
    desk = desk_of(work.house)
    for role in {roles[name].key: roles[name] for name in row.roles}.values():
        held = RoleAssignment(
            id=work.new_id(),
            user_id=user.id,
            role=role.name,
            role_id=role.role_id,
            role_key=role.key,
            scope_key=NOBODY,
            given_at=work.now(),
            ended_key=NOBODY,
        )
        work.session.add(held)
        work.record(RoleAssigned(entity=held))
    if row.password_hash is not None:
        password = Password(id=user.id, hash=row.password_hash, changed_at=work.now(), failures=0)
        work.session.add(password)
        work.record(PasswordSet(entity=password, reason="imported"))
    for name in (row.email, row.username):
        if name is not None:
            work.session.add(SignInName(name_hash=desk.name_hash(name), tenant_id=work.tenant_id))
