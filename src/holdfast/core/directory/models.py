"""Tables of the directory."""

import enum
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import Base, Choice, Str, Tracked, Trashable, folded, tenant_fk, to_many, to_one

OMIT: dict[str, Any] = {"audit": "omit"}  # derived from another column


class CompanyStatus(enum.StrEnum):
    """Whether the company trades."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class PersonStatus(enum.StrEnum):
    """Whether the person works here."""

    ACTIVE = "active"
    LEFT = "left"


class Organization(Tracked, Base):
    """The organisation itself: its id is the tenant's."""

    __tablename__ = "organization"

    name: Mapped[str] = mapped_column(Str(200))
    legal_name: Mapped[str | None] = mapped_column(Str(200))
    industry: Mapped[str | None] = mapped_column(Str(100))
    country: Mapped[str | None] = mapped_column(Str(2))
    time_zone: Mapped[str] = mapped_column(Str(64), default="UTC")
    website: Mapped[str | None] = mapped_column(Str(300))


class Company(Tracked, Trashable, Base):
    """A legal entity of the organisation, or a site that is run as one; its code is unique, whatever the case."""

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


class Person(Tracked, Trashable, Base):
    """An employee record; the number is unique, whatever the case."""

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
    manager_id: Mapped[UUID | None] = tenant_fk("person", nullable=True)
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    status: Mapped[PersonStatus] = mapped_column(Choice(PersonStatus), default=PersonStatus.ACTIVE)

    company = to_one("Person", "company_id", "Company")
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
