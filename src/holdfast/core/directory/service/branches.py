"""What people do with branches."""

from typing import Any
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.facts import BranchCreated, BranchUpdated
from holdfast.core.directory.models import Branch, Company
from holdfast.core.directory.schemas import BranchCreate, BranchReplace, BranchUpdate
from holdfast.core.directory.service.naming import named
from holdfast.core.directory.service.scopes import require_seen, require_within, units_of
from holdfast.core.directory.service.trash import put_into_trash, take_from_trash
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("directory.branch.read", scoped=True)
async def list_branches(work: Work, params: queries.BranchList) -> bytes:
    """Return one page of branches as JSON."""
    return await queries.BRANCHES.page(work, _seen(work, params))


@verb("directory.branch.read", scoped=True)
async def browse_branches(work: Work, params: queries.BranchList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of branches as rows, and where it stands."""
    return await queries.BRANCHES.rows_and_meta(work, _seen(work, params))


@verb("directory.branch.read", scoped=True)
async def read_branch(work: Work, *, branch_id: UUID, deleted: bool = False) -> Branch:
    """Return a branch, with `deleted` also one in the trash; raise BranchNotFound."""
    found = await queries.get_branch(work, branch_id=branch_id, deleted=deleted)
    await require_seen(work, found)
    return found


@verb("directory.branch.create", writes=True)
async def create_branch(work: Work, fields: BranchCreate) -> Branch:
    """Add a branch to a company; a code that is taken in it, whatever its case, is refused with UniqueViolation."""
    await queries.hold_structure(work)
    await named(work, Company, fields.company_id, "company_id")
    branch = Branch(id=work.new_id(), **fields.model_dump())
    work.session.add(branch)
    work.record(BranchCreated(entity=branch))
    await work.flush()
    return branch


@verb("directory.branch.update", writes=True, scoped=True)
async def update_branch(
    work: Work, *, branch_id: UUID, fields: BranchReplace | BranchUpdate, expected: int | None = None
) -> Branch:
    """Change a branch: a BranchReplace sets every field, a BranchUpdate those it was given.

    Raises PreconditionFailed when the branch is no longer at the version `expected`.
    """
    changes = fields.model_dump() if isinstance(fields, BranchReplace) else fields.given()
    if "time_zone" in changes:
        await queries.hold_structure(work, change=True)
    branch = await queries.get_branch(work, branch_id=branch_id, lock=True)
    await require_within(work, branch, "update")
    check_version(branch, expected)
    before = branch.time_zone
    for name, value in changes.items():
        setattr(branch, name, value)
    if work.session.is_modified(branch):
        work.record(BranchUpdated(entity=branch))
        await work.flush()
        if branch.time_zone != before:
            zone = branch.time_zone or (await queries.get_organization(work)).time_zone
            await queries.move_access(work, zone=zone, branch_id=branch.id)
    return branch


@verb("directory.branch.delete", writes=True)
async def delete_branch(work: Work, *, branch_id: UUID, expected: int | None = None, cascade: bool = False) -> None:
    """Put a branch into the trash, by `cascade` with all that it holds.

    Raises BranchInUse with counts where something is in the way.
    """
    await queries.hold_structure(work, change=True)
    branch = await queries.get_branch(work, branch_id=branch_id, lock=True)
    check_version(branch, expected)
    await put_into_trash(work, branch, cascade=cascade)


@verb("directory.branch.restore", writes=True)
async def restore_branch(work: Work, *, branch_id: UUID, expected: int | None = None) -> Branch:
    """Take a branch out of the trash with what went with it; raise StillDeleted or CodeTaken where that cannot be."""
    await queries.hold_structure(work, change=True)
    branch = await queries.get_branch(work, branch_id=branch_id, lock=True, deleted=True)
    check_version(branch, expected)
    await take_from_trash(work, branch)
    return branch


def _seen(work: Work, params: queries.BranchList) -> queries.BranchesSeen:
    return queries.BranchesSeen(**params.given(), within=units_of(work, "directory.branch.read"))
