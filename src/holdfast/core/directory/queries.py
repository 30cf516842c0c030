"""Every statement on the directory's tables."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import func, select
from sqlalchemy.orm import aliased, outerjoin

from holdfast.core.directory.errors import CompanyNotFound, PersonNotFound
from holdfast.core.directory.models import Company, CompanyStatus, Organization, Person, PersonStatus
from holdfast.core.directory.schemas import CompanyOut, PersonOut
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Inward, Moment
from holdfast.kernel.work import Work

IN_CHUNK = 500
Folded = Annotated[str, Field(max_length=64), AfterValidator(folded)]


class CompanyList(ListParameters):
    """Filters of the list of companies; `q` searches name and code."""

    status: CompanyStatus | None = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    code: Folded | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    deleted: Annotated[bool, Field(description="`true`: what is in the trash, instead of what is not.")] = False


COMPANIES = HotList(
    "directory.companies",
    Company,
    columns={name: getattr(Company, name) for name in CompanyOut.model_fields},
    sorts={
        "name": Company.name_key,
        "code": Company.code_key,
        "created_at": Company.created_at,
        "updated_at": Company.updated_at,
    },
    default_sort="name",
    filters={
        "status": lambda value: Company.status == value,
        "country": lambda value: Company.country == value,
        "code": lambda value: Company.code_key == value,
        "created_from": lambda value: Company.created_at >= value,
        "created_to": lambda value: Company.created_at < value,
        "deleted": lambda value: (Company.deleted_key != NOBODY) if value else (Company.deleted_key == NOBODY),
    },
    search=(Company.name_key, Company.code_key),
)


class PersonList(ListParameters):
    """Filters of the list of people; `q` searches name, number and e-mail."""

    status: PersonStatus | None = None
    company_id: UUID | None = None
    number: Folded | None = None


PEOPLE = HotList(
    "directory.people",
    Person,
    columns={name: getattr(Person, name) for name in PersonOut.model_fields},
    sorts={
        "name": Person.name_key,
        "number": Person.number_key,
        "created_at": Person.created_at,
        "start_date": Person.start_date,
    },
    default_sort="name",
    filters={
        "status": lambda value: Person.status == value,
        "company_id": lambda value: Person.company_id == value,
        "number": lambda value: Person.number_key == value,
    },
    search=(Person.name_key, Person.number_key, Person.email_key),
    where=(Person.deleted_key == NOBODY,),
)


_SUPERIOR = aliased(Person, name="superior")

PEOPLE_EXPORT = HotList(
    "directory.people_export",
    outerjoin(
        outerjoin(Person.__table__, Company.__table__, Person.company_id == Company.id),
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
        "department": Person.department,
        "company_code": Company.code,
        "manager_number": _SUPERIOR.number,
        "start_date": Person.start_date,
        "end_date": Person.end_date,
        "status": Person.status,
    },
    sorts={"number": Person.number_key},
    default_sort="number",
    filters={"status": lambda value: Person.status == value, "company_id": lambda value: Person.company_id == value},
    where=(Person.deleted_key == NOBODY,),
)


class PeopleExport(Inward):
    """Which people to export: all of them, without pages."""

    status: PersonStatus | None = None
    company_id: UUID | None = None


async def get_organization(work: Work, *, lock: bool = False) -> Organization:
    """Return the organisation's own record."""
    statement = select(Organization).where(Organization.id == work.tenant_id)
    found: Organization = (await work.session.scalars(statement.with_for_update() if lock else statement)).one()
    return found


async def get_company(work: Work, *, company_id: UUID, lock: bool = False, deleted: bool = False) -> Company:
    """Return a living company, with `deleted` also one in the trash; raise CompanyNotFound."""
    statement = select(Company).where(Company.id == company_id)
    if not deleted:
        statement = statement.where(Company.deleted_key == NOBODY)
    found = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise CompanyNotFound
    return found


async def count_people_of(work: Work, *, company_id: UUID) -> int:
    """Return how many living people belong to a company."""
    statement = (
        select(func.count()).select_from(Person).where(Person.company_id == company_id, Person.deleted_key == NOBODY)
    )
    return (await work.session.scalar(statement)) or 0


async def count_companies(work: Work) -> int:
    """Return how many living companies there are."""
    statement = select(func.count()).select_from(Company).where(Company.deleted_key == NOBODY)
    return (await work.session.scalar(statement)) or 0


async def count_people(work: Work) -> int:
    """Return how many living people there are."""
    statement = select(func.count()).select_from(Person).where(Person.deleted_key == NOBODY)
    return (await work.session.scalar(statement)) or 0


async def get_person(work: Work, *, person_id: UUID) -> Person:
    """Return a living person; raise PersonNotFound."""
    found = await work.session.scalar(select(Person).where(Person.id == person_id, Person.deleted_key == NOBODY))
    if found is None:
        raise PersonNotFound
    return found


async def list_companies_by_code(work: Work, *, code_keys: Collection[str]) -> dict[str, UUID]:
    """Return the id of each living company among the codes."""
    found: dict[str, UUID] = {}
    for chunk in _chunks(sorted(code_keys)):
        rows = await work.session.execute(
            select(Company.code_key, Company.id).where(Company.code_key.in_(chunk), Company.deleted_key == NOBODY)
        )
        found.update({row.code_key: row.id for row in rows})
    return found


async def list_people_by_number(work: Work, *, number_keys: Collection[str]) -> dict[str, UUID]:
    """Return the id of each living person among the numbers."""
    found: dict[str, UUID] = {}
    for chunk in _chunks(sorted(number_keys)):
        rows = await work.session.execute(
            select(Person.number_key, Person.id).where(Person.number_key.in_(chunk), Person.deleted_key == NOBODY)
        )
        found.update({row.number_key: row.id for row in rows})
        await asyncio.sleep(0)  # SQLite answers on the event loop: others get their turn between the chunks
    return found


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + IN_CHUNK] for start in range(0, len(keys), IN_CHUNK)]
