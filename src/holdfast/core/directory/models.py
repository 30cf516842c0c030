"""Tables of the directory."""

import enum
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import (
    NOBODY,
    Base,
    CanonicalJson,
    Choice,
    Json,
    Str,
    TenantOwned,
    Tracked,
    Trashable,
    UtcDateTime,
    folded,
    tenant_fk,
    to_many,
    to_one,
)
from holdfast.kernel.lists.words import LENGTH

OMIT: dict[str, Any] = {"audit": "omit"}  # derived from another column


class CompanyStatus(enum.StrEnum):
    """Whether the company trades."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class BranchKind(enum.StrEnum):
    """What a branch is."""

    OFFICE = "office"
    STORE = "store"
    WAREHOUSE = "warehouse"
    PLANT = "plant"
    HOSPITAL = "hospital"
    OTHER = "other"


class BranchStatus(enum.StrEnum):
    """Whether the branch is open."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class PersonStatus(enum.StrEnum):
    """Whether the person works here."""

    ACTIVE = "active"
    LEFT = "left"


class ImportMode(enum.StrEnum):
    """What an import does with the people of its file: add them, add or change them, only change them."""

    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"


class ImportKey(enum.StrEnum):
    """By what an import finds people who are there."""

    NUMBER = "number"
    EMAIL = "email"


class ImportedAs(enum.StrEnum):
    """What an import did to a person."""

    CREATED = "created"
    UPDATED = "updated"


class Unit(Trashable):
    """What can be deleted with all that it holds, and be restored with it."""

    # The row whose deletion took this one along, None for a row that was deleted by itself.
    deleted_with: Mapped[UUID | None] = mapped_column(Uuid, sort_order=97)


class Organization(Tracked, Base):
    """The organisation itself: its id is the tenant's."""

    __tablename__ = "organization"

    name: Mapped[str] = mapped_column(Str(200))
    legal_name: Mapped[str | None] = mapped_column(Str(200))
    industry: Mapped[str | None] = mapped_column(Str(100))
    country: Mapped[str | None] = mapped_column(Str(2))
    time_zone: Mapped[str] = mapped_column(Str(64), default="UTC")
    locale: Mapped[str | None] = mapped_column(Str(35))  # of messages to whoever chose none
    website: Mapped[str | None] = mapped_column(Str(300))


class Company(Tracked, Unit, Base):
    """A legal entity of the organisation; its code is unique, whatever the case."""

    __tablename__ = "company"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code_key", "deleted_key", name="uq_company_code", info={"field": "code"}),
        Index("ix_company_name", "tenant_id", "name_key", "id"),
        Index("ix_company_created", "tenant_id", "created_at", "id"),
    )

    code: Mapped[str] = mapped_column(Str(32))
    code_key: Mapped[str] = mapped_column(Str(64), info=OMIT)
    name: Mapped[str] = mapped_column(Str(200))
    name_key: Mapped[str] = mapped_column(Str(400), info=OMIT)
    legal_name: Mapped[str | None] = mapped_column(Str(200))
    registration_number: Mapped[str | None] = mapped_column(Str(50))
    country: Mapped[str | None] = mapped_column(Str(2))
    city: Mapped[str | None] = mapped_column(Str(100))
    status: Mapped[CompanyStatus] = mapped_column(Choice(CompanyStatus), default=CompanyStatus.ACTIVE)

    people = to_many("Company", "Person", "company_id")

    @validates("code", "name")
    def _fold(self, field: str, value: str) -> str:
        setattr(self, f"{field}_key", folded(value))
        return value


class Branch(Tracked, Unit, Base):
    """A place where a company works; its code is unique in the company, whatever the case."""

    __tablename__ = "branch"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "company_id", "code_key", "deleted_key", name="uq_branch_code", info={"field": "code"}
        ),
        Index("ix_branch_name", "tenant_id", "name_key", "id"),
    )

    company_id: Mapped[UUID] = tenant_fk("company")
    code: Mapped[str] = mapped_column(Str(32))
    code_key: Mapped[str] = mapped_column(Str(64), info=OMIT)
    name: Mapped[str] = mapped_column(Str(200))
    name_key: Mapped[str] = mapped_column(Str(400), info=OMIT)
    kind: Mapped[BranchKind] = mapped_column(Choice(BranchKind), default=BranchKind.OFFICE)
    address_line_1: Mapped[str | None] = mapped_column(Str(200))
    address_line_2: Mapped[str | None] = mapped_column(Str(200))
    city: Mapped[str | None] = mapped_column(Str(100))
    country: Mapped[str | None] = mapped_column(Str(2))
    time_zone: Mapped[str | None] = mapped_column(Str(64))
    phone: Mapped[str | None] = mapped_column(Str(40))
    status: Mapped[BranchStatus] = mapped_column(Choice(BranchStatus), default=BranchStatus.ACTIVE)

    company = to_one("Branch", "company_id", "Company")

    @validates("code", "name")
    def _fold(self, field: str, value: str) -> str:
        setattr(self, f"{field}_key", folded(value))
        return value


class Department(Tracked, Unit, Base):
    """A part of a company, below another one or at its top; its code is unique in the company, whatever the case.

    What is below a department belongs to its company, and to its branch where it has one.
    """

    __tablename__ = "department"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "company_id", "code_key", "deleted_key", name="uq_department_code", info={"field": "code"}
        ),
        Index("ix_department_name", "tenant_id", "name_key", "id"),
    )

    company_id: Mapped[UUID] = tenant_fk("company")
    branch_id: Mapped[UUID | None] = tenant_fk("branch", nullable=True)
    parent_id: Mapped[UUID | None] = tenant_fk("department", nullable=True)
    head_person_id: Mapped[UUID | None] = tenant_fk("person", nullable=True, late=True)
    code: Mapped[str] = mapped_column(Str(32))
    code_key: Mapped[str] = mapped_column(Str(64), info=OMIT)
    name: Mapped[str] = mapped_column(Str(200))
    name_key: Mapped[str] = mapped_column(Str(400), info=OMIT)

    company = to_one("Department", "company_id", "Company")
    branch = to_one("Department", "branch_id", "Branch")
    parent = to_one("Department", "parent_id", "Department")
    head = to_one("Department", "head_person_id", "Person")

    @validates("code", "name")
    def _fold(self, field: str, value: str) -> str:
        setattr(self, f"{field}_key", folded(value))
        return value


class Person(Tracked, Unit, Base):
    """An employee record; the number is unique, whatever the case.

    `department` is what a file called the department of someone who is in none of ours.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number_key", "deleted_key", name="uq_person_number", info={"field": "number"}),
        Index("ix_person_name", "tenant_id", "name_key", "id"),
        Index("ix_person_email", "tenant_id", "email_key"),
    )

    number: Mapped[str] = mapped_column(Str(32))
    number_key: Mapped[str] = mapped_column(Str(64), info=OMIT)
    given_name: Mapped[str] = mapped_column(Str(100))
    family_name: Mapped[str] = mapped_column(Str(100))
    name_key: Mapped[str] = mapped_column(Str(420), info=OMIT)
    email: Mapped[str | None] = mapped_column(Str(254))
    email_key: Mapped[str | None] = mapped_column(Str(254), info=OMIT)
    phone: Mapped[str | None] = mapped_column(Str(40))
    job_title: Mapped[str | None] = mapped_column(Str(120))
    department: Mapped[str | None] = mapped_column(Str(120))
    company_id: Mapped[UUID | None] = tenant_fk("company", nullable=True)
    branch_id: Mapped[UUID | None] = tenant_fk("branch", nullable=True)
    department_id: Mapped[UUID | None] = tenant_fk("department", nullable=True)
    manager_id: Mapped[UUID | None] = tenant_fk("person", nullable=True)
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    status: Mapped[PersonStatus] = mapped_column(Choice(PersonStatus), default=PersonStatus.ACTIVE)
    # Kept right by `queries/history.py`; the query that opens the door to a user asks for it.
    access_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=OMIT)

    company = to_one("Person", "company_id", "Company")
    branch = to_one("Person", "branch_id", "Branch")
    unit = to_one("Person", "department_id", "Department")
    manager = to_one("Person", "manager_id", "Person")

    @validates("number", "email")
    def _fold(self, field: str, value: str | None) -> str | None:
        setattr(self, f"{field}_key", None if value is None else folded(value))
        return value

    @validates("given_name", "family_name")
    def _fold_name(self, field: str, value: str) -> str:
        names = {"given_name": self.given_name or "", "family_name": self.family_name or "", field: value}
        self.name_key = folded(f"{names['family_name']} {names['given_name']}")
        return value


class PersonWord(TenantOwned, Base):
    """A word that a person is found by; the id is the person's. Kept right by `queries/words.py`."""

    __tablename__ = "person_word"
    __audited__ = False  # follows from the person
    __table_args__ = (Index("ix_person_word_word", "tenant_id", "word", "id", "name_key", "in_trash"),)

    word: Mapped[str] = mapped_column(Str(LENGTH), primary_key=True, info=OMIT)
    name_key: Mapped[str] = mapped_column(Str(420), info=OMIT)
    in_trash: Mapped[bool] = mapped_column(info=OMIT)


PLACED = ("company_id", "branch_id", "department_id", "job_title", "manager_id")  # what of a person a placement keeps


class Placement(TenantOwned, Base):
    """Where a person works from one moment to another: open while `valid_to` is None, one open one a person.

    What it names has no foreign keys: the history outlives what it tells of.
    """

    __tablename__ = "placement"
    __audited__ = False  # the person's own entries tell of each change
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id", "open_key", name="uq_placement_open"),
        Index("ix_placement_company", "tenant_id", "company_id"),
        Index("ix_placement_branch", "tenant_id", "branch_id"),
        Index("ix_placement_department", "tenant_id", "department_id"),
    )

    person_id: Mapped[UUID] = tenant_fk("person")
    company_id: Mapped[UUID | None] = mapped_column(Uuid)
    branch_id: Mapped[UUID | None] = mapped_column(Uuid)
    department_id: Mapped[UUID | None] = mapped_column(Uuid)
    job_title: Mapped[str | None] = mapped_column(Str(120))
    manager_id: Mapped[UUID | None] = mapped_column(Uuid)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    open_key: Mapped[UUID] = mapped_column(Uuid, default=NOBODY)  # once closed the id (MariaDB: no partial index)

    person = to_one("Placement", "person_id", "Person")


class PersonGroup(Tracked, Unit, Base):
    """People who belong together wherever they work; its code is unique, whatever the case."""

    __tablename__ = "person_group"
    __parameter__ = "group_id"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code_key", "deleted_key", name="uq_person_group_code", info={"field": "code"}),
        Index("ix_person_group_name", "tenant_id", "name_key", "id"),
    )

    code: Mapped[str] = mapped_column(Str(32))
    code_key: Mapped[str] = mapped_column(Str(64), info=OMIT)
    name: Mapped[str] = mapped_column(Str(200))
    name_key: Mapped[str] = mapped_column(Str(400), info=OMIT)
    description: Mapped[str | None] = mapped_column(Str(500))

    @validates("code", "name")
    def _fold(self, field: str, value: str) -> str:
        setattr(self, f"{field}_key", folded(value))
        return value


class GroupMember(TenantOwned, Base):
    """That a person is in a group from one moment to another: open while `left_at` is None, one open one at a time."""

    __tablename__ = "group_member"
    __audited__ = False  # the group's entries name who joined and left, the person's tell of a deletion
    __table_args__ = (UniqueConstraint("tenant_id", "group_id", "person_id", "open_key", name="uq_group_member_open"),)

    group_id: Mapped[UUID] = tenant_fk("person_group")
    person_id: Mapped[UUID] = tenant_fk("person")
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    open_key: Mapped[UUID] = mapped_column(Uuid, default=NOBODY)
    # The group or person in the trash whose deletion ended it, and with whose return it begins again.
    ended_with: Mapped[UUID | None] = mapped_column(Uuid)

    group = to_one("GroupMember", "group_id", "PersonGroup")
    person = to_one("GroupMember", "person_id", "Person")


class StructureMark(TenantOwned, Base):
    """A row a unit of work that changed the structure: which of them there are is the structure's epoch.

    A counter would make everyone wait for the one before; these are only added, and one in `SWEPT_EVERY` sweeps.
    """

    __tablename__ = "structure_mark"
    __audited__ = False  # what changed leaves its own entries


SWEPT_EVERY = 64


def day_start(day: date) -> datetime:
    """Return the first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def day_end(day: date, zone: str) -> datetime | None:
    """Return the first moment after a day in a time zone of the IANA database; None beyond the year 9999."""
    try:
        # Where clocks leave out midnight, this is the moment at which they do (PEP 495, fold 0).
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        return None


class ImportRun(Tracked, Base):
    """One import of people that was done, and whether it was undone."""

    __tablename__ = "import_run"
    __parameter__ = "import_id"
    __table_args__ = (Index("ix_import_run_created", "tenant_id", "created_at", "id"),)

    file_name: Mapped[str] = mapped_column(Str(255))
    sha256: Mapped[str] = mapped_column(Str(64))
    mode: Mapped[ImportMode] = mapped_column(Choice(ImportMode))
    match_by: Mapped[ImportKey] = mapped_column(Choice(ImportKey))
    row_count: Mapped[int]
    created_count: Mapped[int]
    updated_count: Mapped[int]
    unchanged_count: Mapped[int]
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[UUID | None] = mapped_column(Uuid)


class ImportChange(TenantOwned, Base):
    """What an import did to one person: for undoing it, and written with the person's own entry."""

    __tablename__ = "import_change"
    __table_args__ = (Index("ix_import_change_person", "tenant_id", "person_id"),)
    __audited__ = False  # the person's entry says the same

    run_id: Mapped[UUID] = tenant_fk("import_run")
    # Without a foreign key: a person who is removed for good must not be held up by the memory of an import.
    person_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[ImportedAs] = mapped_column(Choice(ImportedAs))
    person_version: Mapped[int]
    prior: Mapped[Json] = mapped_column(CanonicalJson, nullable=True)

    run = to_one("ImportChange", "run_id", "ImportRun")


Record = Company | Branch | Department | Person | PersonGroup
