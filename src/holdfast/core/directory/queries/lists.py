"""The lists of the directory."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import aliased, outerjoin

from holdfast.core.directory.models import (
    Branch,
    BranchKind,
    BranchStatus,
    Company,
    CompanyStatus,
    Department,
    Person,
    PersonGroup,
    PersonStatus,
    Placement,
    Unit,
)
from holdfast.core.directory.queries.scope import (
    any_kind,
    branches_within,
    companies_within,
    departments_within,
    people_within,
)
from holdfast.core.directory.queries.words import PERSON_SEARCH, PERSON_WORDS
from holdfast.core.directory.schemas import (
    BranchOut,
    CompanyOut,
    DepartmentOut,
    PersonOut,
)
from holdfast.core.directory.schemas.groups import (
    GroupOut,
    PlacementOut,
)
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Inward, Moment

Folded = Annotated[str, Field(max_length=64), AfterValidator(folded)]
Deleted = Annotated[bool, Field(description="`true`: what is in the trash, instead of what is not.")]


def _in_trash(model: type[Unit]) -> Callable[[bool], ColumnElement[bool]]:
    return lambda value: (model.deleted_key != NOBODY) if value else (model.deleted_key == NOBODY)


def _by_name(model: type[Company | Branch | Department | PersonGroup]) -> dict[str, Any]:
    """Return by what the rows of a kind with code and name are sorted."""
    columns = {"name": model.name_key, "code": model.code_key}
    return {**columns, "created_at": model.created_at, "updated_at": model.updated_at}


class CompanyList(ListParameters):
    """Filters of the list of companies; `q` searches name and code."""

    status: CompanyStatus | None = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    code: Folded | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    deleted: Deleted = False


COMPANIES = HotList(
    "directory.companies",
    Company,
    columns={name: getattr(Company, name) for name in CompanyOut.model_fields},
    sorts=_by_name(Company),
    default_sort="name",
    filters={
        "status": lambda value: Company.status == value,
        "country": lambda value: Company.country == value,
        "code": lambda value: Company.code_key == value,
        "created_from": lambda value: Company.created_at >= value,
        "created_to": lambda value: Company.created_at < value,
        "deleted": _in_trash(Company),
        "within": lambda ids: companies_within(any_kind(ids)),
    },
    search=(Company.name_key, Company.code_key),
)


class BranchList(ListParameters):
    """Filters of the list of branches; `q` searches name and code."""

    status: BranchStatus | None = None
    kind: BranchKind | None = None
    company_id: UUID | None = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    code: Folded | None = None
    deleted: Deleted = False


BRANCHES = HotList(
    "directory.branches",
    Branch,
    columns={name: getattr(Branch, name) for name in BranchOut.model_fields},
    sorts=_by_name(Branch),
    default_sort="name",
    filters={
        "status": lambda value: Branch.status == value,
        "kind": lambda value: Branch.kind == value,
        "company_id": lambda value: Branch.company_id == value,
        "country": lambda value: Branch.country == value,
        "code": lambda value: Branch.code_key == value,
        "deleted": _in_trash(Branch),
        "within": lambda ids: branches_within(any_kind(ids)),
    },
    search=(Branch.name_key, Branch.code_key),
)


class DepartmentList(ListParameters):
    """Filters of the list of departments; `q` searches name and code."""

    company_id: UUID | None = None
    branch_id: UUID | None = None
    parent_id: UUID | None = None
    code: Folded | None = None
    deleted: Deleted = False


DEPARTMENTS = HotList(
    "directory.departments",
    Department,
    columns={name: getattr(Department, name) for name in DepartmentOut.model_fields},
    sorts=_by_name(Department),
    default_sort="name",
    filters={
        "company_id": lambda value: Department.company_id == value,
        "branch_id": lambda value: Department.branch_id == value,
        "parent_id": lambda value: Department.parent_id == value,
        "code": lambda value: Department.code_key == value,
        "deleted": _in_trash(Department),
        "within": lambda ids: departments_within(any_kind(ids)),
    },
    search=(Department.name_key, Department.code_key),
)


class PersonFilters(Inward):
    """Which people: of the list and of the export."""

    status: PersonStatus | None = None
    company_id: UUID | None = None
    branch_id: UUID | None = None
    department_id: UUID | None = None
    manager_id: UUID | None = None
    group_id: UUID | None = None
    number: Folded | None = None
    deleted: Deleted = False


Words = Annotated[
    str | None,
    Field(
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="At most 12 words to search for in name, number and e-mail. Each is the beginning of one of the "
        "person's words; words begin after blanks and signs.",
        examples=["ann schm"],
    ),
]


class PersonList(ListParameters, PersonFilters):
    """Filters of the list of people; `q` searches name, number and e-mail by the beginnings of their words."""

    q: Words = None


_PERSON_SORTS = {
    "name": Person.name_key,
    "number": Person.number_key,
    "created_at": Person.created_at,
    "start_date": Person.start_date,
}
_PERSON_FILTERS: dict[str, Callable[[Any], Any]] = {
    "status": lambda value: Person.status == value,
    "company_id": lambda value: Person.company_id == value,
    "branch_id": lambda value: Person.branch_id == value,
    "department_id": lambda value: Person.department_id == value,
    "manager_id": lambda value: Person.manager_id == value,
    "group_id": lambda value: people_within([("group", value)]),
    "number": lambda value: Person.number_key == value,
    "deleted": _in_trash(Person),
    "within": lambda ids: people_within(any_kind(ids)),
}

PEOPLE = HotList(
    "directory.people",
    Person,
    columns={name: getattr(Person, name) for name in PersonOut.model_fields},
    sorts=_PERSON_SORTS,
    default_sort="name",
    filters=_PERSON_FILTERS,
    search=PERSON_SEARCH,
    words=PERSON_WORDS,
)


_SUPERIOR = aliased(Person, name="superior")

PEOPLE_EXPORT = HotList(
    "directory.people_export",
    outerjoin(
        outerjoin(
            outerjoin(Person.__table__, Company.__table__, Person.company_id == Company.id),
            Department.__table__,
            Person.department_id == Department.id,
        ),
        _SUPERIOR,
        Person.manager_id == _SUPERIOR.id,
    ),
    columns={
        "number": Person.number,
        "given_name": Person.given_name,
        "family_name": Person.family_name,
        "email": Person.email,
        "phone": Person.phone,
        "job_title": Person.job_title,
        "department": func.coalesce(Department.code, Person.department),
        "company_code": Company.code,
        "manager_number": _SUPERIOR.number,
        "start_date": Person.start_date,
        "end_date": Person.end_date,
        "status": Person.status,
    },
    sorts=_PERSON_SORTS,
    default_sort="number",
    filters=_PERSON_FILTERS,
    search=PERSON_SEARCH,
    words=PERSON_WORDS,
)


class PeopleExport(PersonFilters):
    """Which people to export, in which order: all of them, without pages."""

    q: Words = None
    sort: Annotated[str | None, Field(max_length=60, description="Column to sort by, `-` before it: downwards.")] = None


class GroupList(ListParameters):
    """Filters of the list of groups; `q` searches name and code."""

    code: Folded | None = None
    deleted: Deleted = False


GROUPS = HotList(
    "directory.groups",
    PersonGroup,
    columns={name: getattr(PersonGroup, name) for name in GroupOut.model_fields},
    sorts=_by_name(PersonGroup),
    default_sort="name",
    filters={"code": lambda value: PersonGroup.code_key == value, "deleted": _in_trash(PersonGroup)},
    search=(PersonGroup.name_key, PersonGroup.code_key),
)


class PlacementList(ListParameters):
    """The list of a person's placements has no filters."""


class PlacementsOf(PlacementList):
    """Whose placements."""

    person_id: UUID


PLACEMENTS = HotList(
    "directory.placements",
    Placement,
    columns={name: getattr(Placement, name) for name in PlacementOut.model_fields},
    sorts={"valid_from": Placement.valid_from},
    default_sort="-valid_from",
    filters={"person_id": lambda value: Placement.person_id == value},
)


class Within(Inward):
    """The ids of the units that a list is kept to, None for the whole organisation; not of the request."""

    within: list[UUID] | None = None


class CompaniesSeen(CompanyList, Within):
    """The list of companies, kept to units."""


class BranchesSeen(BranchList, Within):
    """The list of branches, kept to units."""


class DepartmentsSeen(DepartmentList, Within):
    """The list of departments, kept to units."""


class PeopleSeen(PersonList, Within):
    """The list of people, kept to units."""


class PeopleExported(PeopleExport, Within):
    """The export of people, kept to units."""
