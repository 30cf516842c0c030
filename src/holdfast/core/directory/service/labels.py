"""What rows point at, by name, and people by what they are called: for pages, which show and take names, not ids."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.core.directory.service.people import browse_people
from holdfast.kernel.errors import Invalid
from holdfast.kernel.lists.words import TYPED
from holdfast.kernel.work import Work

_KINDS: dict[type[Company] | type[Branch] | type[Department] | type[Person], tuple[str, ...]] = {
    Company: ("company_id",),
    Branch: ("branch_id",),
    Department: ("department_id", "parent_id"),
    Person: ("manager_id", "head_person_id"),
}
_SHOWN, _NUMBER = 5, 64


# lint: allow verb – names of what rows point at that a verb has returned, as far as the actor may read them
async def names_of(work: Work, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of the companies, branches, departments and people that rows point at, by id as text."""
    rows = list(rows)
    found: dict[str, str] = {}
    for kind, columns in _KINDS.items():
        if not work.actor.may(f"directory.{kind.__tablename__}.read"):
            continue
        ids = {UUID(str(row[name])) for row in rows for name in columns if row.get(name) is not None}
        found.update({str(row_id): name for row_id, name in (await queries.list_names(work, kind, ids=ids)).items()})
    return found


# lint: allow verb – asks the verb that lists people
async def find_person(work: Work, text: str, *, field: str) -> UUID:
    """Return the one living person with this number, else with this e-mail, name or beginnings of their words.

    A name may have its number behind it, as `names_of` writes it. Raises Invalid at the field where nobody or more
    than one fits.
    """
    behind = re.fullmatch(r".*\(([^()]+)\)", text)
    for number in (text, behind[1] if behind else ""):
        rows = (await browse_people(work, queries.PersonList(number=number)))[0] if 0 < len(number) <= _NUMBER else []
        if rows:
            break
    if not rows:
        rows, _ = await browse_people(
            work, queries.PersonList(q=" ".join(text.split()[:TYPED])[:200], page_size=_SHOWN + 1)
        )
    if len(rows) == 1:
        return UUID(rows[0]["id"])
    if not rows:
        raise Invalid.field(f"body.{field}", "unknown", "fits nobody: give a number, an e-mail or a name")
    several = ", ".join(f"{row['given_name']} {row['family_name']} ({row['number']})" for row in rows[:_SHOWN])
    more = " and others" if len(rows) > _SHOWN else ""
    raise Invalid.field(f"body.{field}", "ambiguous", f"could be {several}{more}: give the number")
