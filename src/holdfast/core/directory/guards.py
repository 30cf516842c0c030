"""What the directory allows, as pure functions."""

from collections.abc import Mapping, Sequence
from datetime import date

from holdfast.core.directory.errors import (
    BranchInUse,
    BranchNotDeleted,
    ChangedSinceImport,
    CodeTaken,
    CompanyInUse,
    CompanyNotDeleted,
    DepartmentInUse,
    DepartmentNotDeleted,
    GroupInUse,
    GroupNotDeleted,
    ImportUndone,
    PersonInUse,
    PersonNotDeleted,
    StillDeleted,
)
from holdfast.core.directory.models import Branch, Company, Department, ImportRun, Person, PersonGroup, Record
from holdfast.kernel.errors import Conflict, FieldError, Invalid
from holdfast.kernel.permissions import Verdict

_IN_USE: dict[type, type[Conflict]] = {
    Company: CompanyInUse,
    Branch: BranchInUse,
    Department: DepartmentInUse,
    Person: PersonInUse,
    PersonGroup: GroupInUse,
}
_NOT_DELETED: dict[type, type[Conflict]] = {
    Company: CompanyNotDeleted,
    Branch: BranchNotDeleted,
    Department: DepartmentNotDeleted,
    Person: PersonNotDeleted,
    PersonGroup: GroupNotDeleted,
}
LISTED = 1000  # people whom a refusal names
_WORDS: dict[type, tuple[str, str]] = {
    Branch: ("branch", "branches"),
    Department: ("department", "departments"),
    Person: ("person", "people"),
}


def can_delete(row: Record, held: Mapping[type, int]) -> Verdict:
    """Answer CompanyInUse, BranchInUse, DepartmentInUse or GroupInUse, with counts, for a row that holds something."""
    if not any(held.values()):
        return None
    belong = "belongs" if sum(held.values()) == 1 else "belong"
    detail = f"{_told(held)} {belong} to the {kind_of(row)}."
    return _IN_USE[type(row)](detail, errors=_counts(held))


def can_go(row: Record, led: Mapping[type, int]) -> Verdict:
    """Answer PersonInUse and the like, with counts, where people who would go lead others who stay."""
    if not any(led.values()):
        return None
    be = "is" if sum(led.values()) == 1 else "are"
    who = "the person" if isinstance(row, Person) else f"people of the {kind_of(row)}"
    return _IN_USE[type(row)](f"{_told(led)} {be} led by {who}.", errors=_counts(led))


def can_restore(row: Record) -> Verdict:
    """Answer CompanyNotDeleted and the like for a row that is not in the trash."""
    return None if row.deleted_at is not None else _NOT_DELETED[type(row)]()


def can_come_back(deleted: Sequence[Record]) -> Verdict:
    """Answer StillDeleted, naming them, where rows that others belong to are in the trash."""
    if not deleted:
        return None
    names = [(kind_of(row), shown(row)) for row in deleted]
    errors = [FieldError(f"{kind}.{name}", "deleted", "is in the trash: restore it first") for kind, name in names]
    return StillDeleted(f"The {names[0][0]} {names[0][1]} is in the trash: restore it first.", errors=errors)


def can_be_called(taken: Sequence[Record]) -> Verdict:
    """Answer CodeTaken, naming them, for rows whose code or number another one has."""
    if not taken:
        return None
    names = [(kind_of(row), shown(row)) for row in taken]
    errors = [FieldError(f"{kind}.{name}", "taken", f"another {kind} has it meanwhile") for kind, name in names]
    return CodeTaken(f"Another {names[0][0]} is called {names[0][1]} meanwhile.", errors=errors)


def can_undo(run: ImportRun) -> Verdict:
    """Answer ImportUndone for an import that was undone before."""
    return None if run.undone_at is None else ImportUndone()


def can_be_as_before(changed: int, numbers: Sequence[str]) -> Verdict:
    """Answer ChangedSinceImport, naming the people, where some of an import were changed after it."""
    if not changed:
        return None
    more = f"; the first {len(numbers)} are listed" if changed > len(numbers) else ""
    errors = [FieldError(f"person.{number}", "changed", "was changed after the import") for number in numbers]
    return ChangedSinceImport(f"{_told({Person: changed})} changed after the import{more}.", errors=errors)


def can_leave(led: Mapping[type, int]) -> Verdict:
    """Answer PersonInUse, with counts, where people whom an import added lead others who stay."""
    if not any(led.values()):
        return None
    be = "is" if sum(led.values()) == 1 else "are"
    return PersonInUse(f"{_told(led)} {be} led by people whom the import added.", errors=_counts(led))


def can_employ(start: date | None, end: date | None) -> Verdict:
    """Answer Invalid, naming the field, for an end before the start."""
    if start is not None and end is not None and end < start:
        return Invalid.field("body.end_date", "before_start", "lies before start_date")
    return None


def kind_of(row: Record) -> str:
    """Return what people call the kind of a row."""
    return "group" if isinstance(row, PersonGroup) else row.__tablename__


def shown(row: Record) -> str:
    """Return the code or number that people know a row by."""
    return row.number if isinstance(row, Person) else row.code


def _told(counts: Mapping[type, int]) -> str:
    parts = [f"{count} {_WORDS[kind][count != 1]}" for kind, count in counts.items() if count]
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def _counts(counts: Mapping[type, int]) -> list[FieldError]:
    return [FieldError(_WORDS[kind][1], "in_use", str(count)) for kind, count in counts.items() if count]
