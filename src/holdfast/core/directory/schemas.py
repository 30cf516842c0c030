"""What the directory takes and gives."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from holdfast.core.directory.models import CompanyStatus, PersonStatus
from holdfast.kernel.schemas import Inward, OneLine, OrNull, Outward, Partial, RecordOut

_ZONES = frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("is not a time zone of the IANA database, such as Europe/Berlin")
    return name


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", examples=["NORTH-01"])]
Name = Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Northern Clinics Ltd"])]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["GB"])]
TimeZone = Annotated[str, AfterValidator(_time_zone), Field(max_length=64, examples=["Europe/London"])]
Website = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=300, examples=["https://example.com"])]
Line = Annotated[OneLine, Field(max_length=200)]
City = Annotated[OneLine, Field(max_length=100, examples=["Leeds"])]
Registration = Annotated[OneLine, Field(max_length=50, examples=["01234567"])]


class OrganizationUpdate(Partial):
    """Particulars of the organisation to change; what is left out stays."""

    name: Name = ""
    legal_name: OrNull[Line] = None
    industry: OrNull[City] = None
    country: OrNull[Country] = None
    time_zone: TimeZone = "UTC"
    website: OrNull[Website] = None


class OrganizationOut(RecordOut):
    """The organisation."""

    name: str
    legal_name: str | None
    industry: str | None
    country: str | None
    time_zone: str
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


class PersonOut(RecordOut):
    """A person."""

    number: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    job_title: str | None
    department: str | None
    company_id: UUID | None
    manager_id: UUID | None
    start_date: date | None
    end_date: date | None
    status: PersonStatus


class RowFault(Outward):
    """One fault in an imported file."""

    line: Annotated[int, Field(description="Line of the file; the heading is line 1.")]
    column: str | None
    code: str
    message: str


class ImportReport(Outward):
    """What an import did, or would do."""

    dry_run: bool
    rows: int
    imported: int
    error_count: int
    errors: Annotated[list[RowFault], Field(description="The first thousand.")]
