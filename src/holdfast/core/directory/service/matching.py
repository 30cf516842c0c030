"""What a row of a file means for the person whom it is about, and for where they belong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row as SqlRow

from holdfast.core.directory.models import Department, ImportKey, ImportMode, Person, PersonStatus
from holdfast.core.directory.service.cells import Faults
from holdfast.core.directory.service.people_files import COLUMNS, ImportPlan, Row
from holdfast.kernel.db import NOBODY, folded

_AS_THEY_ARE = ("number", "given_name", "family_name", "email", "phone", "job_title", "start_date", "end_date")
ALL = frozenset(COLUMNS)


Found = Person | SqlRow[Any]  # a person as an object, or as what was read of one


@dataclass(frozen=True, slots=True)
class Place:
    """Where a department is, kept while the rows of the file come and go."""

    id: UUID
    company_id: UUID
    branch_id: UUID | None


@dataclass(slots=True)
class Known:
    """What the organisation has of what a file names: by folded codes, names and numbers."""

    companies: Mapping[str, UUID] = field(default_factory=dict)
    numbers: Mapping[str, UUID] = field(default_factory=dict)  # of living people
    own: dict[str, UUID] = field(default_factory=dict)  # of those in the file, as far as it was gone through
    codes: dict[str, list[Place]] = field(default_factory=dict)
    names: dict[str, list[Place]] = field(default_factory=dict)
    departments: dict[UUID | None, Place] = field(default_factory=dict)

    def learn(self, departments: Iterable[Department]) -> None:
        """Know the departments by id, code and name."""
        for each in departments:
            if each.id not in self.departments:
                place = Place(each.id, each.company_id, each.branch_id)
                self.departments[each.id] = place
                self.codes.setdefault(each.code_key, []).append(place)
                self.names.setdefault(each.name_key, []).append(place)

    def leader(self, number_key: str | None) -> UUID | None:
        """Return the id of the superior of this number, in the file or else in the organisation."""
        return self.own.get(number_key) or self.numbers.get(number_key) if number_key else None

    def called(self, name: str, company_id: UUID | None) -> Place | None:
        """Return the one department of the company, else of the organisation, that has this code, else this name."""
        for places in (self.codes, self.names):
            found = [
                each for each in places.get(folded(name), ()) if company_id is None or each.company_id == company_id
            ]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def match(row: Row, plan: ImportPlan, found: Sequence[Found], known: Known, faults: Faults) -> Found | None:
    """Return the living person whom a row is about, None for one to add or (and a fault) where there is none.

    `found` are the people with the row's key, those in the trash too.
    """
    before = faults.count
    living = [person for person in found if person.deleted_key == NOBODY]
    shown = row.number if plan.key is ImportKey.NUMBER else row.email
    if len(living) > 1:
        people = ", ".join(sorted(person.number for person in living)[:6])
        faults.add(row.line, "email", "ambiguous", f"{shown!r} is the address of several people: {people}")
    elif not living and found:
        gone = found[0]
        told = f"{gone.number!r}, {gone.given_name} {gone.family_name}, is in the trash: restore the person first"
        faults.add(row.line, str(plan.key), "deleted", told)
    elif not living and plan.mode is ImportMode.UPDATE:
        faults.add(row.line, str(plan.key), "unknown_person", f"there is no person {shown!r} in the organisation")
    person = living[0] if len(living) == 1 else None
    taken = known.numbers.get(row.number_key) if row.number_key else None
    if faults.count == before and taken is not None and (person is None or taken != person.id):
        faults.add(row.line, "number", "taken", f"{row.number!r} is taken by a person of the organisation")
    return person


def check_names(row: Row, here: set[str], known: Known, faults: Faults) -> None:
    """Note a fault where the row names a company or a superior whom neither the organisation nor the file has."""
    if row.company_code and folded(row.company_code) not in known.companies:
        faults.add(row.line, "company_code", "unknown_company", f"there is no company {row.company_code!r}")
    if row.manager_key and row.manager_key not in here and row.manager_key not in known.numbers:
        message = f"there is no person {row.manager_number!r}, neither in the file nor in the organisation"
        faults.add(row.line, "manager_number", "unknown_manager", message)


def wanted(row: Row, columns: frozenset[str], person: Found | None, known: Known) -> dict[str, Any]:
    """Return the fields that the row gives: of a new person all, of one who is there those of the file's columns.

    An empty cell empties its field. Company, branch and department follow from each other.
    """
    given = ALL if person is None else columns
    values: dict[str, Any] = {name: getattr(row, name) for name in _AS_THEY_ARE if name in given}
    if "status" in given:
        values["status"] = row.status or PersonStatus.ACTIVE
    if "manager_number" in given:
        values["manager_id"] = known.leader(row.manager_key)
    if given & {"department", "company_code"}:
        values |= _placed(row, given, person, known)
    return values


def _placed(row: Row, given: frozenset[str], person: Found | None, known: Known) -> dict[str, Any]:
    company_id = person.company_id if person else None
    if "company_code" in given:
        company_id = known.companies.get(folded(row.company_code)) if row.company_code else None
    if "department" in given:
        place = known.called(row.department, company_id) if row.department else None
        text = None if place else row.department
    else:
        assert person is not None
        place, text = known.departments.get(person.department_id), person.department
    if place is not None:
        company_id = place.company_id
    branch_id = place.branch_id if place else None
    if branch_id is None and person is not None and person.company_id == company_id:
        branch_id = person.branch_id
    return {
        "company_id": company_id,
        "branch_id": branch_id,
        "department_id": place.id if place else None,
        "department": text,
    }


def changes(person: Found, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that the person does not have yet."""
    return {name: value for name, value in values.items() if getattr(person, name) != value}


def check_change(row: Row, columns: frozenset[str], person: Found, known: Known, faults: Faults) -> None:
    """Note a fault where the row does not fit what the person has already."""
    if "status" in columns and row.status is None:
        faults.add(row.line, "status", "missing", "must not be empty for a person who is there")
    start = row.start_date if "start_date" in columns else person.start_date
    end = row.end_date if "end_date" in columns else person.end_date
    if start is not None and end is not None and end < start and not {"start_date", "end_date"} <= columns:
        column = "end_date" if "end_date" in columns else "start_date"
        faults.add(row.line, column, "invalid", f"the end {end} would lie before the start {start}")
    if "company_code" in columns and "department" not in columns and row.company_code:
        place = known.departments.get(person.department_id)
        if place is not None and place.company_id != known.companies.get(folded(row.company_code)):
            faults.add(row.line, "company_code", "misfit", "the person's department is of another company")
