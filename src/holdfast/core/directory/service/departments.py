"""What people do with departments."""

from typing import Any
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.errors import DepartmentCycle
from holdfast.core.directory.facts import DepartmentCreated, DepartmentUpdated, PersonUpdated
from holdfast.core.directory.models import Department, Person
from holdfast.core.directory.schemas import DepartmentCreate, DepartmentReplace, DepartmentUpdate
from holdfast.core.directory.service.naming import named
from holdfast.core.directory.service.placing import PLACE, follow, place
from holdfast.core.directory.service.scopes import require_move, require_place, require_seen, require_within, units_of
from holdfast.core.directory.service.trash import put_into_trash, take_from_trash
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("directory.department.read", scoped=True)
async def list_departments(work: Work, params: queries.DepartmentList) -> bytes:
    """Return one page of departments as JSON."""
    return await queries.DEPARTMENTS.page(work, _seen(work, params))


@verb("directory.department.read", scoped=True)
async def browse_departments(work: Work, params: queries.DepartmentList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of departments as rows, and where it stands."""
    return await queries.DEPARTMENTS.rows_and_meta(work, _seen(work, params))


@verb("directory.department.read", scoped=True)
async def read_department(work: Work, *, department_id: UUID, deleted: bool = False) -> Department:
    """Return a department, with `deleted` also one in the trash; raise DepartmentNotFound."""
    found = await queries.get_department(work, department_id=department_id, deleted=deleted)
    await require_seen(work, found)
    return found


@verb("directory.department.create", writes=True, scoped=True)
async def create_department(work: Work, fields: DepartmentCreate) -> Department:
    """Add a department; a code that is taken in its company, whatever its case, is refused with UniqueViolation.

    Raises Invalid naming the field where company, branch and parent do not fit together.
    """
    await queries.hold_structure(work)
    values = fields.model_dump()
    values |= await _place(work, values, None)
    await require_place(work, "department", "create", values)
    department = Department(id=work.new_id(), **values)
    work.session.add(department)
    work.record(DepartmentCreated(entity=department))
    await work.flush()
    return department


@verb("directory.department.update", writes=True, scoped=True)
async def update_department(
    work: Work, *, department_id: UUID, fields: DepartmentReplace | DepartmentUpdate, expected: int | None = None
) -> Department:
    """Change a department: a DepartmentReplace sets every field, a DepartmentUpdate those it was given.

    Where it goes to another company or branch, what is below it and its people go along, an entry a row.
    Raises PreconditionFailed for an outdated version, DepartmentCycle for a move below itself, and Invalid naming the
    field where company, branch and parent do not fit together.
    """
    changes = fields.model_dump() if isinstance(fields, DepartmentReplace) else fields.given()
    if changes.keys() & {*PLACE, "head_person_id"}:
        await queries.hold_structure(work, change=True)
    department = await queries.get_department(work, department_id=department_id, lock=True)
    await require_within(work, department, "update")
    check_version(department, expected)
    before = department.company_id, department.branch_id
    if changes.keys() & {*PLACE, "head_person_id"}:
        changes |= await _place(work, changes, department)
        await require_move(work, department, changes)
    for name, value in changes.items():
        setattr(department, name, value)
    if work.session.is_modified(department):
        work.record(DepartmentUpdated(entity=department))
        if before != (department.company_id, department.branch_id):
            await _take_along(work, department)
        await work.flush()
    return department


@verb("directory.department.delete", writes=True, scoped=True)
async def delete_department(
    work: Work, *, department_id: UUID, expected: int | None = None, cascade: bool = False
) -> None:
    """Put a department into the trash, by `cascade` with all that is below it and its people.

    Raises DepartmentInUse with counts where something is in the way.
    """
    await queries.hold_structure(work, change=True)
    department = await queries.get_department(work, department_id=department_id, lock=True)
    await require_within(work, department, "delete")
    check_version(department, expected)
    await put_into_trash(work, department, cascade=cascade)


@verb("directory.department.restore", writes=True)
async def restore_department(work: Work, *, department_id: UUID, expected: int | None = None) -> Department:
    """Take a department out of the trash with what went with it; raise StillDeleted or CodeTaken where it cannot be."""
    await queries.hold_structure(work, change=True)
    department = await queries.get_department(work, department_id=department_id, lock=True, deleted=True)
    check_version(department, expected)
    await take_from_trash(work, department)
    return department


async def _place(work: Work, given: dict[str, Any], department: Department | None) -> dict[str, UUID | None]:
    """Return where the department belongs, all of it checked."""
    places = await place(work, given, department, "parent_id")
    if places["company_id"] is None:
        raise Invalid.field("body.company_id", "missing", "name a company, a branch or the department above")
    await named(work, Person, given.get("head_person_id"), "head_person_id")
    parent_id = places["parent_id"]
    if (
        department is not None
        and parent_id is not None
        and await queries.is_below(work, department_id=parent_id, top_id=department.id)
    ):
        message = "is the department itself or below it"
        raise DepartmentCycle(f"body.parent_id: {message}", errors=[FieldError("body.parent_id", "cycle", message)])
    return places


async def _take_along(work: Work, top: Department) -> None:
    """Move what is below a department to its company and branch, what is in the trash too."""
    tree = {top.id: top}
    for department in await queries.list_below(work, department_id=top.id):
        assert department.parent_id is not None
        tree[department.id] = department
        if follow(department, tree[department.parent_id]):
            work.record(DepartmentUpdated(entity=department))
    for person in await queries.list_people_in(work, department_ids=list(tree)):
        assert person.department_id is not None
        if follow(person, tree[person.department_id]):
            work.record(PersonUpdated(entity=person))


def _seen(work: Work, params: queries.DepartmentList) -> queries.DepartmentsSeen:
    return queries.DepartmentsSeen(**params.given(), within=units_of(work, "directory.department.read"))
