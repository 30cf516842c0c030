"""The groups of a demo organisation: who has which duty beside the job, and had it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.directory.demo.organisations import Organisation
from holdfast.core.directory.facts import GroupCreated, GroupMemberRemoved, GroupMembersAdded
from holdfast.core.directory.models import GroupMember, PersonGroup
from holdfast.kernel.ids import named_id
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True)
class Duty:
    """One group: one in `of` has it, and it was set up so many days after the organisation came."""

    code: str
    name: str
    description: str
    of: int
    days: int


DUTIES = (
    Duty("FIRST-AID", "First aiders", "Trained to give first aid; the training is renewed every three years", 12, 14),
    Duty("FIRE", "Fire wardens", "Lead everyone out and report at the assembly point", 15, 14),
    Duty("DATA", "Data protection contacts", "Answer questions of their colleagues about personal data", 25, 60),
    Duty("COMMITTEE", "Safety committee", "Meets every quarter with the management", 40, 90),
)


async def load_groups(work: Work, plan: Organisation, founded: datetime, people: Sequence[UUID]) -> None:
    """Add the groups; `people` are those who were there from the beginning and still are."""
    source = random.Random(f"holdfast demo groups {plan.slug}")  # noqa: S311  must be the same everywhere
    for duty in DUTIES:
        begun = founded + timedelta(days=duty.days, hours=2)
        work.claim(begun)
        group = PersonGroup(
            id=named_id(founded, plan.slug, "group", duty.code),
            code=duty.code,
            name=duty.name,
            description=duty.description,
        )
        work.session.add(group)
        work.record(GroupCreated(entity=group))
        chosen = source.sample(people, min(len(people), max(2, plan.people // duty.of)))
        members = [_member(plan, group, person_id, begun) for person_id in chosen]
        work.session.add_all(members)
        work.record(GroupMembersAdded(entity=group, people=tuple(chosen)))
        await work.flush()
        # The first one was followed by another a hundred days later.
        work.claim(begun + timedelta(days=100))
        members[0].left_at, members[0].open_key = work.now(), members[0].id
        work.record(GroupMemberRemoved(entity=group, person=chosen[0]))
        following = next((person_id for person_id in people if person_id not in chosen), None)
        if following is not None:
            work.session.add(_member(plan, group, following, work.now()))
            work.record(GroupMembersAdded(entity=group, people=(following,)))
        await work.unload()


def _member(plan: Organisation, group: PersonGroup, person_id: UUID, since: datetime) -> GroupMember:
    key = named_id(since, plan.slug, group.code, str(person_id))
    return GroupMember(id=key, group_id=group.id, person_id=person_id, joined_at=since)
