"""The directory's part of the demo data: companies, people, and what happened to them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from holdfast.core.directory import queries
from holdfast.core.directory.demo.organisations import ORGANISATIONS, Organisation
from holdfast.core.directory.demo.staff import LAST_DAY, Member, staff_of
from holdfast.core.directory.facts import (
    CompanyCreated,
    CompanyUpdated,
    OrganizationUpdated,
    PersonImported,
)
from holdfast.core.directory.models import Company, CompanyStatus, Person
from holdfast.kernel.ids import named_id
from holdfast.kernel.work import Work

__all__ = ["LAST_DAY", "ORGANISATIONS", "Member", "Organisation", "founded_at", "load_directory", "staff_of"]

AT_ONCE = 200


def founded_at(plan: Organisation) -> datetime:
    """Return the moment at which the organisation came to the platform."""
    return _morning(plan.founded)


async def load_directory(work: Work, plan: Organisation, members: list[Member], step: Callable[[int], None]) -> None:
    """Add companies and people of an organisation that was just founded; `step` is told how many rows came."""
    founded = founded_at(plan)
    work.claim(founded + timedelta(hours=1))
    organization = await queries.get_organization(work, lock=True)
    organization.legal_name, organization.website = plan.legal_name, f"https://www.{plan.domain}"
    organization.time_zone = "Europe/London" if plan.country == "GB" else "America/Chicago"
    work.record(OrganizationUpdated(entity=organization))
    companies = {site.code: named_id(founded, plan.slug, "company", site.code) for site in plan.sites}
    for number, site in enumerate(plan.sites, 1):
        company = Company(
            id=companies[site.code],
            code=site.code,
            name=site.name,
            legal_name=site.name if not site.units else plan.legal_name,
            registration_number=f"{10_000_000 + len(plan.slug) * 977 + number * 1009:08}",
            country=plan.country,
            city=site.city,
            status=CompanyStatus.ACTIVE,
        )
        work.session.add(company)
        work.record(CompanyCreated(entity=company))
    await work.unload()
    step(len(plan.sites))
    await _load_people(work, plan, members, step)
    await _tell_history(work, plan)


async def _load_people(work: Work, plan: Organisation, members: list[Member], step: Callable[[int], None]) -> None:
    founded = founded_at(plan)
    ids = [named_id(_since(plan, member), plan.slug, "person", str(place)) for place, member in enumerate(members)]
    work.claim(founded + timedelta(hours=2))
    for start in range(0, len(members), AT_ONCE):
        chunk = members[start : start + AT_ONCE]
        for place, member in enumerate(chunk, start):
            since = _since(plan, member)
            person = Person(
                id=ids[place],
                number=f"{plan.prefix}-{place + 1:04}",
                given_name=member.given_name,
                family_name=member.family_name,
                email=member.email,
                phone=member.phone,
                job_title=member.job_title,
                department=member.department,
                company_id=named_id(founded, plan.slug, "company", member.company),
                manager_id=None if member.manager is None else ids[member.manager],
                start_date=member.start_date,
                end_date=member.end_date,
                status=member.status,
                created_at=since,
                updated_at=since,
            )
            work.session.add(person)
            work.record(PersonImported(entity=person, line=place + 2, occurred_at=since))
        await work.unload()
        step(len(chunk))


async def _tell_history(work: Work, plan: Organisation) -> None:
    """Change some companies in the years after, so that records have a history to look at."""
    last = plan.sites[-1]
    events = (
        (120, plan.sites[0], {"registration_number": f"{plan.prefix}-{plan.people:06}"}, "Registration confirmed"),
        (200, last, {"city": plan.sites[0].city}, "Moved into the head office during renovation"),
        (290, last, {"city": last.city}, "Moved back"),
    )
    for days, site, values, reason in events:
        work.claim(founded_at(plan) + timedelta(days=days, hours=3))
        company_id = named_id(founded_at(plan), plan.slug, "company", site.code)
        company = await queries.get_company(work, company_id=company_id, lock=True)
        for column, value in values.items():
            setattr(company, column, value)
        if work.session.is_modified(company):
            work.record(CompanyUpdated(entity=company, reason=reason))
        await work.unload()


def _since(plan: Organisation, member: Member) -> datetime:
    return founded_at(plan) + timedelta(hours=2) if member.start_date <= plan.founded else _morning(member.start_date)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8), UTC)
