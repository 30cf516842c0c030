"""What the directory takes and gives."""

import re
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from holdfast.core.directory.models import BranchKind, BranchStatus, CompanyStatus, PersonStatus
from holdfast.kernel.db import folded
from holdfast.kernel.schemas import Inward, OneLine, OrNull, Outward, Partial, RecordOut

_ZONES = frozenset(available_timezones())
# A well-formed language tag (RFC 5646, section 2.1), without those that were registered before there was a grammar.
_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[0-9a-z]{5,8}|[0-9][0-9a-z]{3}))*(?:-[0-9a-wyz](?:-[0-9a-z]{2,8})+)*(?:-x(?:-[0-9a-z]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)


def _time_zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("is not a time zone of the IANA database, such as Europe/Berlin")
    return name


def _locale(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise ValueError("is not a language tag (BCP 47), such as de-CH")
    return tag


def _short(longest: int) -> AfterValidator:
    """Refuse what is too long for its column once it is folded."""

    def check(text: str) -> str:
        if len(folded(text)) > longest:
            raise ValueError("is too long once its ligatures are written out")
        return text

    return AfterValidator(check)


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", examples=["NORTH-01"])]
Name = Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Northern Clinics Ltd"])]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["GB"])]
TimeZone = Annotated[str, AfterValidator(_time_zone), Field(max_length=64, examples=["Europe/London"])]
Locale = Annotated[str, AfterValidator(_locale), Field(max_length=35, examples=["en-GB"])]
Website = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=300, examples=["https://example.com"])]
Line = Annotated[OneLine, Field(max_length=200)]
City = Annotated[OneLine, Field(max_length=100, examples=["Leeds"])]
Phone = Annotated[OneLine, Field(max_length=40, examples=["+44 20 7946 0001"])]
Number = Annotated[OneLine, Field(min_length=1, max_length=32, examples=["E-1001"]), _short(64)]
PersonName = Annotated[OneLine, Field(min_length=1, max_length=100, examples=["Ada"]), _short(200)]
Email = Annotated[
    OneLine,
    Field(pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", max_length=254, examples=["ada@example.com"]),
    _short(254),
]
Title = Annotated[OneLine, Field(min_length=1, max_length=120, examples=["Engineer"])]
Day = Annotated[date, Field(ge=date(1900, 1, 1), examples=["2026-01-31"])]
Registration = Annotated[OneLine, Field(max_length=50, examples=["01234567"])]


class DeleteParameters(Inward):
    """How to delete what may hold something."""

    cascade: Annotated[bool, Field(description="Delete all that it holds with it.")] = False


class OrganizationUpdate(Partial):
    """Particulars of the organisation to change; what is left out stays."""

    name: Name = ""
    legal_name: OrNull[Line] = None
    industry: OrNull[City] = None
    country: OrNull[Country] = None
    time_zone: TimeZone = "UTC"
    locale: Annotated[
        OrNull[Locale], Field(description="The language of messages to whoever chose none; null for English.")
    ] = None
    website: OrNull[Website] = None


class OrganizationOut(RecordOut):
    """The organisation."""

    name: str
    legal_name: str | None
    industry: str | None
    country: str | None
    time_zone: str
    locale: str | None
    website: str | None


class CompanyFields(Inward):
    """All writable fields of a company."""

    code: Code
    name: Name
    legal_name: OrNull[Line] = None
    registration_number: OrNull[Registration] = None
    country: OrNull[Country] = None
    city: OrNull[City] = None
    status: CompanyStatus = CompanyStatus.ACTIVE


class CompanyCreate(CompanyFields):
    """A new company."""


class CompanyReplace(CompanyFields):
    """A company's fields, all of them: what is left out becomes its default."""


class CompanyUpdate(Partial):
    """A company's fields to change; what is left out stays."""

    code: Code = ""
    name: Name = ""
    legal_name: OrNull[Line] = None
    registration_number: OrNull[Registration] = None
    country: OrNull[Country] = None
    city: OrNull[City] = None
    status: CompanyStatus = CompanyStatus.ACTIVE


class CompanyOut(RecordOut):
    """A company."""

    code: str
    name: str
    legal_name: str | None
    registration_number: str | None
    country: str | None
    city: str | None
    status: CompanyStatus
    deleted_at: Annotated[datetime | None, Field(description="When it was put into the trash.")]


class BranchFields(Inward):
    """All writable fields of a branch."""

    code: Code
    name: Name
    kind: BranchKind = BranchKind.OFFICE
    address_line_1: OrNull[Line] = None
    address_line_2: OrNull[Line] = None
    city: OrNull[City] = None
    country: OrNull[Country] = None
    time_zone: Annotated[OrNull[TimeZone], Field(description="Where it is not the organisation's.")] = None
    phone: OrNull[Phone] = None
    status: BranchStatus = BranchStatus.ACTIVE


class BranchCreate(BranchFields):
    """A new branch; it stays with its company."""

    company_id: UUID


class BranchReplace(BranchFields):
    """A branch's fields, all of them: what is left out becomes its default."""


class BranchUpdate(Partial):
    """A branch's fields to change; what is left out stays."""

    code: Code = ""
    name: Name = ""
    kind: BranchKind = BranchKind.OFFICE
    address_line_1: OrNull[Line] = None
    address_line_2: OrNull[Line] = None
    city: OrNull[City] = None
    country: OrNull[Country] = None
    time_zone: OrNull[TimeZone] = None
    phone: OrNull[Phone] = None
    status: BranchStatus = BranchStatus.ACTIVE


class BranchOut(RecordOut):
    """A branch."""

    company_id: UUID
    code: str
    name: str
    kind: BranchKind
    address_line_1: str | None
    address_line_2: str | None
    city: str | None
    country: str | None
    time_zone: str | None
    phone: str | None
    status: BranchStatus
    deleted_at: Annotated[datetime | None, Field(description="When it was put into the trash.")]


class DepartmentFields(Inward):
    """All writable fields of a department; it names a company, a branch or a parent, the others follow from it."""

    code: Code
    name: Name
    company_id: UUID | None = None
    branch_id: UUID | None = None
    parent_id: Annotated[UUID | None, Field(description="The department above it.")] = None
    head_person_id: UUID | None = None


class DepartmentCreate(DepartmentFields):
    """A new department."""


class DepartmentReplace(DepartmentFields):
    """A department's fields, all of them: what is left out becomes its default."""


class DepartmentUpdate(Partial):
    """A department's fields to change; what is left out stays, or follows where the department is moved."""

    code: Code = ""
    name: Name = ""
    company_id: UUID | None = None
    branch_id: UUID | None = None
    parent_id: Annotated[UUID | None, Field(description="The department above it.")] = None
    head_person_id: UUID | None = None


class DepartmentOut(RecordOut):
    """A department."""

    company_id: UUID
    branch_id: UUID | None
    parent_id: UUID | None
    code: str
    name: str
    head_person_id: UUID | None
    deleted_at: Annotated[datetime | None, Field(description="When it was put into the trash.")]


class PersonFields(Inward):
    """All writable fields of a person; company and branch follow from the department where it names one."""

    number: Number
    given_name: PersonName
    family_name: PersonName
    email: OrNull[Email] = None
    phone: OrNull[Phone] = None
    job_title: OrNull[Title] = None
    company_id: UUID | None = None
    branch_id: UUID | None = None
    department_id: UUID | None = None
    manager_id: UUID | None = None
    start_date: Day | None = None
    end_date: Annotated[Day | None, Field(description="The last day; not before the first.")] = None
    status: PersonStatus = PersonStatus.ACTIVE


class PersonCreate(PersonFields):
    """A new person."""


class PersonReplace(PersonFields):
    """A person's fields, all of them: what is left out becomes its default."""


class PersonUpdate(Partial):
    """A person's fields to change; what is left out stays, or follows where the person is moved."""

    number: Number = ""
    given_name: PersonName = ""
    family_name: PersonName = ""
    email: OrNull[Email] = None
    phone: OrNull[Phone] = None
    job_title: OrNull[Title] = None
    company_id: UUID | None = None
    branch_id: UUID | None = None
    department_id: UUID | None = None
    manager_id: UUID | None = None
    start_date: Day | None = None
    end_date: Annotated[Day | None, Field(description="The last day; not before the first.")] = None
    status: PersonStatus = PersonStatus.ACTIVE


class PersonOut(RecordOut):
    """A person."""

    number: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    job_title: str | None
    department: Annotated[str | None, Field(description="As an imported file had it; null with `department_id`.")]
    company_id: UUID | None
    branch_id: UUID | None
    department_id: UUID | None
    manager_id: UUID | None
    start_date: date | None
    end_date: date | None
    status: PersonStatus
    access_ends_at: Annotated[
        datetime | None,
        Field(description="The end of `end_date` where the person works; else when the person left."),
    ]
    deleted_at: Annotated[datetime | None, Field(description="When it was put into the trash.")]


class TreeNode(Outward):
    """A node of the structure."""

    id: UUID
    code: str
    name: str
    people: Annotated[
        int | None,
        Field(description="How many are in it and in what is below it; null where it only leads to what you may see."),
    ]


class TreeDepartment(TreeNode):
    """A department; those below it follow it."""

    branch_id: UUID | None
    parent_id: UUID | None
    level: Annotated[int, Field(description="How many departments are above it.")]


class TreeBranch(TreeNode):
    """A branch and its departments, each after the one above it, by name."""

    departments: list[TreeDepartment]


class TreeCompany(TreeNode):
    """A company, its branches by name, and its departments that are in no branch, with what is below them."""

    branches: list[TreeBranch]
    departments: list[TreeDepartment]


class Tree(Outward):
    """The organisation and its companies by name; whoever sees some units only gets these and what leads there."""

    id: UUID
    name: str
    people: Annotated[int | None, Field(description="How many there are; null where you do not see every company.")]
    companies: list[TreeCompany]


class ChartParameters(Inward):
    """Whom a chart shows."""

    root: Annotated[UUID | None, Field(description="The person at the top; else all who have no superior.")] = None
    depth: Annotated[int, Field(ge=0, le=10, description="How many levels below the top.")] = 2


class ChartPerson(Outward):
    """A person in a chart."""

    id: UUID
    name: str
    job_title: str | None
    status: PersonStatus
    manager_id: UUID | None
    reports: Annotated[int, Field(description="How many people this one leads directly.")]
    level: Annotated[int, Field(description="0 at the top.")]


class Chart(Outward):
    """People level by level, each level by name."""

    data: list[ChartPerson]
    truncated: Annotated[bool, Field(description="Whether more than the first thousand are left out.")]
