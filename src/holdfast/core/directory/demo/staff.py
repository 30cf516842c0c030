"""Who works in a demo organisation: the same people, dates and superiors for the same version of the plans."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.core.directory.demo.names import address_part, pick_name
from holdfast.core.directory.demo.organisations import Organisation, Site, Unit
from holdfast.core.directory.models import PersonStatus

LAST_DAY = date(2026, 6, 30)  # nothing in the demo data is younger
MANAGEMENT = "Management"  # the department of the chief executive, above the others of the head office
TEAM = 12  # a unit with more people than this has teams with leads


@dataclass(slots=True)
class Member:
    """One person; `manager` is the place of the superior in the list, always an earlier one."""

    given_name: str
    family_name: str
    email: str
    phone: str
    job_title: str
    department: str
    site: str
    manager: int | None
    start_date: date
    end_date: date | None = None
    status: PersonStatus = PersonStatus.ACTIVE


class _Hiring:
    """Draws people one after the other; the seed is the organisation's slug."""

    def __init__(self, plan: Organisation) -> None:
        self.plan = plan
        self.members: list[Member] = []
        self._source = random.Random(f"holdfast demo {plan.slug}")  # noqa: S311  must be the same everywhere
        self._addresses: set[str] = set()

    def hire(self, title: str, unit: str, site: Site, manager: int | None) -> int:
        """Add a person and return its place."""
        given, family = pick_name(self._source)
        base = address = f"{address_part(given)}.{address_part(family)}"
        number = 1
        while address in self._addresses:
            number += 1
            address = f"{base}{number}"
        self._addresses.add(address)
        days = (LAST_DAY - self.plan.founded).days
        # Half were there when the organisation came to the platform.
        ago = self._source.randint(10, days) if self._source.random() < 0.5 else days + self._source.randint(1, 2500)
        started = LAST_DAY - timedelta(days=ago)
        place = len(self.members)
        # Numbers that regulators keep for fiction (Ofcom 020 7946 0xxx, NANP 555-01xx).
        phone = f"+44 20 7946 0{place % 1000:03}" if self.plan.country == "GB" else f"+1 512 555 01{place % 100:02}"
        email = f"{address}@{self.plan.domain}"
        self.members.append(Member(given, family, email, phone, title, unit, site.code, manager, started))
        return place

    def staff(self, unit: Unit, site: Site, people: int, boss: int) -> None:
        """Fill a unit: its head, leads where it is large, and people."""
        if people < 1:
            return
        head = lead = self.hire(unit.head, unit.name, site, boss)
        for place in range(people - 1):
            if people > TEAM and place % TEAM == 0:
                lead = self.hire(f"{unit.name} Team Lead", unit.name, site, head)
            else:
                self.hire(self._source.choice(unit.titles), unit.name, site, lead)

    def let_some_go(self) -> None:
        """Let one in twenty-five of those who lead nobody leave."""
        leading = {member.manager for member in self.members}
        for place, member in enumerate(self.members):
            room = (LAST_DAY - member.start_date).days - 30
            if place > 0 and place not in leading and room > 60 and self._source.random() < 1 / 25:
                member.end_date = member.start_date + timedelta(days=self._source.randint(60, room))
                member.status = PersonStatus.LEFT


def staff_of(plan: Organisation) -> list[Member]:
    """Return the people of an organisation, superiors first, the chief executive at the top."""
    hiring = _Hiring(plan)
    chief = hiring.hire("Chief Executive Officer", MANAGEMENT, plan.sites[0], None)
    # Who brought the organisation to the platform was there before.
    first = hiring.members[chief]
    first.start_date = min(first.start_date, plan.founded - timedelta(days=400))
    for site, people in zip(plan.sites, _shared(plan.people - 1, [site.share for site in plan.sites]), strict=True):
        units = plan.units_of(site)
        for unit, size in zip(units, _shared(people, [unit.share for unit in units]), strict=True):
            hiring.staff(unit, site, size, chief)
    hiring.let_some_go()
    return hiring.members


def _shared(total: int, shares: list[int]) -> list[int]:
    """Divide a number by shares; the rest goes to the first."""
    parts = [total * share // sum(shares) for share in shares]
    parts[0] += total - sum(parts)
    return parts
