"""What the start page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from holdfast.core.audit.public import recent_entries
from holdfast.core.directory.public import count_companies, count_people
from holdfast.core.identity.public import Profile
from holdfast.kernel.errors import NotFound
from holdfast.kernel.pages import wording
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work

RECENT = 8


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something there are, and the page that lists them, where there is one."""

    label: str
    count: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the recent activity."""

    title: str
    url: str
    about: str | None
    by: str
    at: datetime
    kind: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The start page of a person: what is here, and what happened lately where the trail may be read."""

    given_name: str
    counts: tuple[Count, ...]
    recent: tuple[Happening, ...] | None


@verb("console.start.read", access="signed_in")
async def read_overview(work: Work) -> Overview:
    """Return what the caller's start page shows; only what the caller may read."""
    profile = work.presence.profile if work.presence else None
    assert isinstance(profile, Profile)
    counts = []
    if work.actor.may("directory.company.read"):
        counts.append(Count("Companies", await count_companies(work), "/console/companies"))
    if work.actor.may("directory.person.read"):
        counts.append(Count("People", await count_people(work), "/console/people"))
    return Overview(profile.name.partition(" ")[0], tuple(counts), await _recent(work))


@verb("console.page.find", access="signed_in")
async def find_page(_: Work) -> NoReturn:
    """Raise NotFound, in the unit of work of the person in whose shell it is told."""
    raise NotFound


async def _recent(work: Work) -> tuple[Happening, ...] | None:
    if not work.actor.may("audit.entry.read"):
        return None
    entries = await recent_entries(work, count=RECENT)
    return tuple(
        Happening(
            title=entry.title,
            url=f"/console/audit/{entry.id}",
            about=entry.entity_label if entry.entity_label != entry.actor_label else None,
            by=entry.actor_label,
            at=entry.recorded_at,
            kind=entry.tone,
            outcome=None if entry.outcome == "success" else wording.words(entry.outcome),
        )
        for entry in entries
    )
