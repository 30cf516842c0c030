"""The directory's part of the demo data: companies, branches, departments, people, groups, and what happened to them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.demo.groups import load_groups
from holdfast.core.directory.demo.organisations import ORGANISATIONS, Organisation, Site
from holdfast.core.directory.demo.staff import LAST_DAY, MANAGEMENT, Member, staff_of
from holdfast.core.directory.facts import (
    BranchCreated,
    BranchUpdated,
    CompanyCreated,
    CompanyUpdated,
    DepartmentCreated,
    DepartmentUpdated,
    OrganizationUpdated,
    PersonImported,
)
from holdfast.core.directory.models import Branch, Company, CompanyStatus, Department, Person
from holdfast.kernel.ids import named_id
from holdfast.kernel.work import Work

__all__ = [
    "LAST_DAY",
    "ORGANISATIONS",
    "Member",
    "Organisation",
    "founded_at",
    "load_directory",
    "morning",
    "person_id",
    "since",
    "staff_of",
    "unit_id",
]

AT_ONCE = 200


def founded_at(plan: Organisation) -> datetime:
    """Return the moment at which the organisation came to the platform."""
    return morning(plan.founded)


def since(plan: Organisation, member: Member) -> datetime:
    """Return when a person came into the directory: with the organisation, or on the first day."""
    return founded_at(plan) + timedelta(hours=2) if member.start_date <= plan.founded else morning(member.start_date)


def morning(day: date) -> datetime:
    """Return the moment at which a day's work begins."""
    return datetime.combine(day, time(8), UTC)


def person_id(plan: Organisation, members: list[Member], place: int) -> UUID:
    """Return the id of the person at a place of the list."""
    return named_id(since(plan, members[place]), plan.slug, "person", str(place))


def unit_id(plan: Organisation, kind: str, code: str, name: str = "") -> UUID:
    """Return the id of a department of a site, of the site's branch, of the company that it belongs to, or of a group.

    `code` is that of the site or group.
    """
    if kind == "company":
        return _company_id(plan, next(site for site in plan.sites if site.code == code))
    return _id(plan, kind, code, *((name,) if kind == "department" else ()))


async def load_directory(work: Work, plan: Organisation, members: list[Member], step: Callable[[int], None]) -> None:
    """Add companies and people of an organisation that was just founded; `step` is told how many rows came."""
    founded = founded_at(plan)
    work.claim(founded + timedelta(hours=1))
    organization = await queries.get_organization(work, lock=True)
    organization.legal_name, organization.website = plan.legal_name, f"https://www.{plan.domain}"
    organization.time_zone = "Europe/London" if plan.country == "GB" else "America/Chicago"
    work.record(OrganizationUpdated(entity=organization))
    for number, site in enumerate(plan.companies, 1):
        company = Company(
            id=_company_id(plan, site),
            code=site.code,
            name=site.name,
            legal_name=site.name if site is not plan.sites[0] else plan.legal_name,
            registration_number=f"{10_000_000 + len(plan.slug) * 977 + number * 1009:08}",
            country=site.country or plan.country,
            city=site.city,
            status=CompanyStatus.ACTIVE,
        )
        work.session.add(company)
        work.record(CompanyCreated(entity=company))
    await _load_places(work, plan)
    step(len(plan.companies))
    await _load_people(work, plan, members, step)
    await _name_heads(work, plan, members)
    await _tell_history(work, plan)
    staying = [place for place, each in enumerate(members) if each.start_date <= plan.founded and not each.end_date]
    ids = [person_id(plan, members, place) for place in staying]
    await load_groups(work, plan, founded, ids)


async def _load_places(work: Work, plan: Organisation) -> None:
    """Add the branches and their departments; those of the head office are below the management."""
    for site in plan.sites:
        branch = Branch(
            id=_id(plan, "branch", site.code),
            company_id=_company_id(plan, site),
            code=site.code,
            name=site.name if site.company else f"{site.city} office",
            kind=site.kind,
            city=site.city,
            country=site.country or plan.country,
            time_zone=site.time_zone,
        )
        work.session.add(branch)
        work.record(BranchCreated(entity=branch))
    await work.flush()
    for site in plan.sites:
        head_office = site is plan.sites[0]
        for name in ((MANAGEMENT,) if head_office else ()) + tuple(unit.name for unit in plan.units_of(site)):
            below = head_office and name != MANAGEMENT
            department = Department(
                id=_id(plan, "department", site.code, name),
                company_id=_company_id(plan, site),
                branch_id=_id(plan, "branch", site.code),
                parent_id=_id(plan, "department", site.code, MANAGEMENT) if below else None,
                code=f"{site.code}-{name[:4].strip().upper()}",
                name=name,
            )
            work.session.add(department)
            work.record(DepartmentCreated(entity=department))
    await work.unload()


async def _load_people(work: Work, plan: Organisation, members: list[Member], step: Callable[[int], None]) -> None:
    ids = [person_id(plan, members, place) for place in range(len(members))]
    sites = {site.code: site for site in plan.sites}
    work.claim(founded_at(plan) + timedelta(hours=2))
    for start in range(0, len(members), AT_ONCE):
        chunk = members[start : start + AT_ONCE]
        for place, member in enumerate(chunk, start):
            begun = since(plan, member)
            person = Person(
                id=ids[place],
                number=f"{plan.prefix}-{place + 1:04}",
                given_name=member.given_name,
                family_name=member.family_name,
                email=member.email,
                phone=member.phone,
                job_title=member.job_title,
                company_id=_company_id(plan, sites[member.site]),
                branch_id=_id(plan, "branch", member.site),
                department_id=_id(plan, "department", member.site, member.department),
                manager_id=None if member.manager is None else ids[member.manager],
                start_date=member.start_date,
                end_date=member.end_date,
                status=member.status,
                created_at=begun,
                updated_at=begun,
            )
            work.session.add(person)
            work.record(PersonImported(entity=person, line=place + 2, occurred_at=begun))
        await work.unload()
        step(len(chunk))


async def _name_heads(work: Work, plan: Organisation, members: list[Member]) -> None:
    """Give each department its head: the first of its people."""
    heads: dict[UUID, UUID] = {}
    for place, member in enumerate(members):
        heads.setdefault(_id(plan, "department", member.site, member.department), person_id(plan, members, place))
    for department_id, head_id in heads.items():
        department = await queries.get_department(work, department_id=department_id, lock=True)
        department.head_person_id = head_id
        work.record(DepartmentUpdated(entity=department))
    await work.unload()


async def _tell_history(work: Work, plan: Organisation) -> None:
    """Change a company and a branch in the years after, so that records have a history to look at."""
    first, last = plan.sites[0], plan.sites[-1]
    work.claim(founded_at(plan) + timedelta(days=120, hours=3))
    company = await queries.get_company(work, company_id=_company_id(plan, first), lock=True)
    company.registration_number = f"{plan.prefix}-{plan.people:06}"
    work.record(CompanyUpdated(entity=company, reason="Registration confirmed"))
    await work.unload()
    for days, city, reason in (
        (200, first.city, "Moved into the head office during renovation"),
        (290, last.city, "Moved back"),
    ):
        work.claim(founded_at(plan) + timedelta(days=days, hours=3))
        branch = await queries.get_branch(work, branch_id=_id(plan, "branch", last.code), lock=True)
        branch.city = city
        if work.session.is_modified(branch):
            work.record(BranchUpdated(entity=branch, reason=reason))
        await work.unload()


def _company_id(plan: Organisation, site: Site) -> UUID:
    return _id(plan, "company", site.company or site.code)


def _id(plan: Organisation, *names: str) -> UUID:
    return named_id(founded_at(plan), plan.slug, *names)
