"""Importing people from a file: all of it or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.errors import ImportRefused
from holdfast.core.directory.facts import PeopleImported, PersonImported
from holdfast.core.directory.models import Department, Person, PersonStatus
from holdfast.core.directory.schemas import ImportReport
from holdfast.core.directory.service.cells import Faults
from holdfast.core.directory.service.csv_files import CHARSETS
from holdfast.core.directory.service.mapping import mapping_of
from holdfast.core.directory.service.people_files import ImportPlan, PeopleFile, Row, read_people
from holdfast.kernel.db import folded
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import SYSTEM, verb
from holdfast.kernel.work import Work, Works

# Rows and entries of so many people are held in memory at once.
AT_ONCE = 100


@verb("directory.person.import", writes=True)
async def import_people(work: Work, file: PeopleFile, *, dry_run: bool = False) -> ImportReport:
    """Add the people of a file that was read with `read_people`; a dry run only tells what would happen.

    Raises ImportRefused with the first thousand faults where anything is wrong: nothing is imported then.
    """
    await queries.hold_structure(work)
    faults = Faults(file.faults.count, list(file.faults.listed))
    companies = await queries.list_companies_by_code(
        work, code_keys={folded(row.company_code) for row in file.rows if row.company_code}
    )
    here = {row.key for row in file.rows}
    superiors = {row.manager_key for row in file.rows if row.manager_key}
    known = await queries.list_people_by_number(work, number_keys=here | superiors)
    for row in file.rows:
        _check_row(row, here, known, companies, faults)
    listed = sorted(faults.listed, key=lambda fault: fault.line)
    if faults.count and not dry_run:
        more = f"; the first {len(listed)} are listed" if faults.count > len(listed) else ""
        raise ImportRefused(
            f"{_counted(faults.count, 'fault')} in {_counted(file.count, 'row')}{more}.",
            errors=[FieldError(_place(each.line, each.column), each.code, each.message) for each in listed],
        )
    if not dry_run:
        keys = {folded(row.department) for row in file.rows if row.department}
        departments = _by_key(await queries.list_departments_called(work, keys=keys))
        await _add_people(work, file, known, companies, departments)
    imported = 0 if faults.count or dry_run else len(file.rows)
    return ImportReport(dry_run=dry_run, rows=file.count, imported=imported, error_count=faults.count, errors=listed)


# lint: allow verb – opens the unit of work of a command and calls the verb
async def import_people_file(
    works: Works, *, tenant_id: UUID, content: bytes, file_name: str, plan: ImportPlan, dry_run: bool = False
) -> ImportReport:
    """Import a file for a command, as the system; raises ImportRefused."""
    file = await read_people(content, file_name=file_name, plan=plan)
    async with works.begin(tenant_id, SYSTEM) as work:
        return await import_people(work, file, dry_run=dry_run)


def plan_of(*, charset: str | None = None, mapping: Sequence[str] = ()) -> ImportPlan:
    """Return the plan of a command; `mapping` are texts such as `number=Staff no`. Raises Invalid."""
    if charset is not None and charset not in CHARSETS:
        raise Invalid.field("charset", "unknown_charset", f"must be one of {', '.join(CHARSETS)}")
    return ImportPlan(charset=charset, mapping=mapping_of(mapping, "map"))


def _check_row(row: Row, here: set[str], known: dict[str, UUID], companies: dict[str, UUID], faults: Faults) -> None:
    if row.key in known:
        faults.add(row.line, "number", "taken", f"{row.number!r} is taken by a person of the organisation")
    if row.company_code and folded(row.company_code) not in companies:
        faults.add(row.line, "company_code", "unknown_company", f"there is no company {row.company_code!r}")
    if row.manager_key and row.manager_key not in here and row.manager_key not in known:
        message = f"there is no person {row.manager_number!r}, neither in the file nor in the organisation"
        faults.add(row.line, "manager_number", "unknown_manager", message)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a department is, kept while the rows of the file come and go."""

    id: UUID
    company_id: UUID
    branch_id: UUID | None


_Places = dict[str, list[_Place]]


def _by_key(departments: Sequence[Department]) -> tuple[_Places, _Places]:
    """Return the departments by code and by name."""
    codes: _Places = {}
    names: _Places = {}
    for each in departments:
        place = _Place(each.id, each.company_id, each.branch_id)
        codes.setdefault(each.code_key, []).append(place)
        names.setdefault(each.name_key, []).append(place)
    return codes, names


def _department_of(row: Row, company_id: UUID | None, departments: tuple[_Places, _Places]) -> _Place | None:
    """Return the one department of the row's company, else of the organisation, that has this code, else this name."""
    for called in departments:
        found = [
            each
            for each in called.get(folded(row.department or ""), ())
            if company_id is None or each.company_id == company_id
        ]
        if found:
            return found[0] if len(found) == 1 else None
    return None


async def _add_people(
    work: Work,
    file: PeopleFile,
    known: dict[str, UUID],
    companies: dict[str, UUID],
    departments: tuple[_Places, _Places],
) -> None:
    ids = dict(known)
    for start in range(0, len(file.rows), AT_ONCE):
        for row in file.rows[start : start + AT_ONCE]:
            ids[row.key] = work.new_id()
            company_id = companies[folded(row.company_code)] if row.company_code else None
            place = _department_of(row, company_id, departments)
            person = Person(
                id=ids[row.key],
                number=row.number,
                given_name=row.given_name,
                family_name=row.family_name,
                email=row.email,
                phone=row.phone,
                job_title=row.job_title,
                department=None if place else row.department,
                company_id=place.company_id if place else company_id,
                branch_id=place.branch_id if place else None,
                department_id=place.id if place else None,
                manager_id=ids[row.manager_key] if row.manager_key else None,
                start_date=row.start_date,
                end_date=row.end_date,
                status=row.status or PersonStatus.ACTIVE,
            )
            work.session.add(person)
            work.record(PersonImported(entity=person, line=row.line))
        await work.unload()
    work.record(PeopleImported(file=file.name, sha256=file.sha256, count=len(file.rows)))


def _place(line: int, column: str | None) -> str:
    return f"line {line}" if column is None else f"line {line}, column {column}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
