"""Importing people from a file: all of it or nothing."""

from collections.abc import Sequence
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.errors import ImportRefused
from holdfast.core.directory.facts import PeopleImported
from holdfast.core.directory.models import ImportKey, ImportMode, ImportRun
from holdfast.core.directory.schemas.files import ImportReport
from holdfast.core.directory.service.cells import Faults
from holdfast.core.directory.service.csv_files import CHARSETS
from holdfast.core.directory.service.import_rows import examine, write
from holdfast.core.directory.service.leaving import require_leave
from holdfast.core.directory.service.mapping import mapping_of
from holdfast.core.directory.service.people_files import ImportPlan, PeopleFile, read_people
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import SYSTEM, authorise, verb
from holdfast.kernel.work import Work, Works


@verb("directory.person.import", writes=True)
async def import_people(work: Work, file: PeopleFile, *, dry_run: bool = False) -> ImportReport:
    """Add or change the people of a file that was read with `read_people`, as its plan says.

    A dry run only tells what would happen. Raises ImportRefused with the first thousand faults where anything is wrong:
    nothing is imported then. Raises what the Keeper answers where the file is right and somebody's access would end by
    it. Changing people who are there takes the right to change people as well.
    """
    changing = file.plan.mode is not ImportMode.INSERT
    if changing:
        authorise(work.actor, "directory.person.update")
    await queries.hold_structure(work, change=changing and not dry_run)
    faults = Faults(file.faults.count, list(file.faults.listed))
    outcome = await examine(work, file, faults, lock=not dry_run)
    listed = sorted(faults.listed, key=lambda fault: fault.line)
    if faults.count and not dry_run:
        more = f"; the first {len(listed)} are listed" if faults.count > len(listed) else ""
        raise ImportRefused(
            f"{_counted(faults.count, 'fault')} in {_counted(file.count, 'row')}{more}.",
            errors=[FieldError(_place(each.line, each.column), each.code, each.message) for each in listed],
        )
    if not faults.count:
        await require_leave(work, {person_id: _place(*where) for person_id, where in outcome.ending.items()})
    report = ImportReport(
        id=None if dry_run else work.new_id(),
        dry_run=dry_run,
        rows=file.count,
        created=0 if faults.count else len(outcome.created),
        updated=0 if faults.count else len(outcome.updated),
        unchanged=0 if faults.count else len(outcome.unchanged),
        error_count=faults.count,
        errors=listed,
    )
    if report.id is not None:
        _remember(work, file, report)
        await work.unload()
        await write(work, file, outcome, run_id=report.id)
    return report


def _remember(work: Work, file: PeopleFile, report: ImportReport) -> None:
    """Add the import's own record and the entry of the file."""
    run = ImportRun(
        id=report.id,
        file_name=file.name,
        sha256=file.sha256,
        mode=file.plan.mode,
        match_by=file.plan.key,
        row_count=report.rows,
        created_count=report.created,
        updated_count=report.updated,
        unchanged_count=report.unchanged,
    )
    work.session.add(run)
    work.record(PeopleImported(entity=run, file=file.name, sha256=file.sha256, count=len(file.rows)))


# lint: allow verb – opens the unit of work of a command and calls the verb
async def import_people_file(
    works: Works, *, tenant_id: UUID, content: bytes, file_name: str, plan: ImportPlan, dry_run: bool = False
) -> ImportReport:
    """Import a file for a command, as the system; raises ImportRefused."""
    file = await read_people(content, file_name=file_name, plan=plan)
    async with works.begin(tenant_id, SYSTEM) as work:
        return await import_people(work, file, dry_run=dry_run)


def plan_of(
    *, mode: str = "insert", key: str = "number", charset: str | None = None, mapping: Sequence[str] = ()
) -> ImportPlan:
    """Return the plan of a command; `mapping` are texts such as `number=Staff no`. Raises Invalid."""
    for name, value, known in (
        ("mode", mode, list(ImportMode)),
        ("key", key, list(ImportKey)),
        ("charset", charset or "utf-8", list(CHARSETS)),
    ):
        if value not in known:
            raise Invalid.field(name, f"unknown_{name}", f"must be one of {', '.join(known)}")
    return ImportPlan(ImportMode(mode), ImportKey(key), charset, mapping_of(mapping, "map"))


def _place(line: int, column: str | None) -> str:
    return f"line {line}" if column is None else f"line {line}, column {column}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
