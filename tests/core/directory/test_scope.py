"""What lies within units, now and at any moment, against plain Python over the same rows."""

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from pydantic import create_model
from sqlalchemy import select

from holdfast.core.directory.facts import (
    BranchCreated,
    CompanyCreated,
    DepartmentCreated,
    GroupCreated,
    PersonCreated,
    PersonDeleted,
    PersonUpdated,
)
from holdfast.core.directory.models import Branch, Company, Department, GroupMember, Person, PersonGroup
from holdfast.core.directory.public import (
    branches_within,
    companies_within,
    departments_within,
    people_within,
)
from holdfast.core.directory.queries import employed
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import new_id
from holdfast.kernel.lists import HotList, ListParameters

pytestmark = [pytest.mark.service, pytest.mark.portable]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("company", "branch", "department", "group", "person")


class World:
    """An organisation changed at random day after day, and what plain Python says of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: dict[str, list[UUID]] = {kind: [] for kind in KINDS}
        self.parent: dict[UUID, UUID | None] = {}
        self.place: dict[UUID, dict[str, UUID | None]] = {}  # of departments and branches: what they are in
        self.days: list[tuple[dict[UUID, dict[str, UUID | None]], dict[UUID, set[UUID]]]] = []

    def pick(self, kind: str) -> UUID:
        return self.random.choice(self.rows[kind])

    async def build(self, org) -> None:
        async with org.work() as work:
            work.claim(FIRST - timedelta(days=10))

            def add(model, kind, fact, **fields):
                number = len(self.rows[kind])
                row = model(id=work.new_id(), code=f"{kind}-{number}", name=f"{kind} {number}", **fields)
                work.session.add(row)
                work.record(fact(entity=row))
                self.rows[kind].append(row.id)
                return row.id

            for _ in range(3):
                add(Company, "company", CompanyCreated)
            await work.flush()
            for _ in range(5):
                company = self.pick("company")
                branch = add(Branch, "branch", BranchCreated, company_id=company)
                self.place[branch] = {"company": company}
            await work.flush()
            for _ in range(20):
                above = self.pick("department") if self.rows["department"] and self.random.random() < 0.7 else None
                place = self.place[above] if above else self._top()
                ids = {"company_id": place["company"], "branch_id": place["branch"], "parent_id": above}
                made = add(Department, "department", DepartmentCreated, **ids)
                self.parent[made], self.place[made] = above, place
                await work.flush()
            for _ in range(3):
                add(PersonGroup, "group", GroupCreated)

    def _top(self) -> dict[str, UUID | None]:
        branch = self.pick("branch") if self.random.random() < 0.6 else None
        return {"company": self.place[branch]["company"] if branch else self.pick("company"), "branch": branch}

    def somewhere(self) -> dict[str, UUID | None]:
        if self.random.random() < 0.6:
            department = self.pick("department")
            return {**self.place[department], "department": department}
        return {**self._top(), "department": None} if self.random.random() < 0.8 else dict.fromkeys(KINDS[:3])

    async def live(self, org, days: int) -> None:
        """Let people come, move, join, leave and go, a unit of work a day."""
        placed: dict[UUID, dict[str, UUID | None]] = {}
        joined: dict[UUID, set[UUID]] = {group: set() for group in self.rows["group"]}
        for day in range(days):
            async with org.work() as work:
                work.claim(FIRST + timedelta(days=day))
                for _ in range(4):
                    place = self.somewhere()
                    ids = {f"{kind}_id": each for kind, each in place.items()}
                    names = {"given_name": "A", "family_name": "B", "deleted_at": None}
                    person = Person(id=work.new_id(), number=str(work.new_id().int % 10**30), **names, **ids)
                    work.session.add(person)
                    work.record(PersonCreated(entity=person))
                    self.rows["person"].append(person.id)
                    placed[person.id] = place
                await work.flush()
                for person_id in self.random.sample(sorted(placed), min(3, len(placed))):
                    person = await work.session.get(Person, (org.id, person_id))
                    placed[person_id] = self.somewhere()
                    for kind, each in placed[person_id].items():
                        setattr(person, f"{kind}_id", each)
                    work.record(PersonUpdated(entity=person))
                await self._regroup(work, placed, joined)
                if day % 4 == 3:
                    gone = self.random.choice(sorted(set(placed) - set().union(*joined.values())))
                    person = await work.session.get(Person, (org.id, gone))
                    person.deleted_at, person.deleted_key = work.now(), gone
                    work.record(PersonDeleted(entity=person))
                    del placed[gone]
            self.days.append((dict(placed), {group: set(people) for group, people in joined.items()}))

    async def _regroup(self, work, placed, joined) -> None:
        for group, people in joined.items():
            person_id = self.random.choice(sorted(placed))
            if person_id in people:
                of = GroupMember.group_id == group, GroupMember.person_id == person_id, GroupMember.left_at.is_(None)
                member = (await work.session.scalars(select(GroupMember).where(*of))).one()
                member.left_at, member.open_key = work.now(), member.id
                people.discard(person_id)
            else:
                key = {"group_id": group, "person_id": person_id}
                work.session.add(GroupMember(id=work.new_id(), joined_at=work.now(), **key))
                people.add(person_id)

    # ── what plain Python says ───────────────────────────────────────────────────────────────────────────────────────

    def tree(self, department: UUID | None) -> set[UUID]:
        found = set()
        while department is not None:
            found.add(department)
            department = self.parent[department]
        return found

    def people(self, units, day: int) -> set[UUID]:
        placed, joined = self.days[day]
        return {
            person
            for person, place in placed.items()
            for kind, each in units
            if (kind in ("company", "branch") and place[kind] == each)
            or (kind == "department" and each in self.tree(place["department"]))
            or (kind == "group" and person in joined[each])
            or (kind == "person" and person == each)
        }

    def some_units(self):
        kinds = [self.random.choice(KINDS) for _ in range(self.random.randint(0, 3))]
        return [(kind, self.pick(kind)) for kind in kinds]


@pytest.mark.parametrize("seed", [1, 2])
async def test_now_and_then_are_what_plain_python_says(seed, org, other):
    world = World(seed)
    await world.build(org)
    await world.live(org, 12)
    single = [[(kind, each)] for kind in KINDS for each in world.rows[kind][:6]]
    async with org.work(write=False) as work:
        living = select(Person.id).where(Person.deleted_key == NOBODY)
        some = 0
        for units in [*single, *(world.some_units() for _ in range(25))]:
            now = set(await work.session.scalars(living.where(people_within(units))))
            assert now == world.people(units, -1), units
            for day in (0, world.random.randrange(12), 11):
                at = FIRST + timedelta(days=day, hours=world.random.choice((0, 5)))
                then = set(await work.session.scalars(select(Person.id).where(people_within(units, at=at))))
                assert then == world.people(units, day), (units, day)
                some += bool(then)
            before = select(Person.id).where(people_within(units, at=FIRST - timedelta(microseconds=1)))
            assert (await work.session.scalars(before)).all() == []
        assert some > 40, "too little was found to prove anything"
    async with other.work(write=False) as work:
        everything = [(kind, each) for kind in KINDS for each in world.rows[kind]]
        for at in (None, FIRST + timedelta(days=11)):
            assert (await work.session.scalars(select(Person.id).where(people_within(everything, at=at)))).all() == []
        assert (await work.session.scalars(select(Department.id).where(departments_within(everything)))).all() == []


async def test_units_within_units(org):
    world = World(3)
    await world.build(org)
    world.rows["person"].append(new_id())
    async with org.work(write=False) as work:
        for units in [[(kind, each)] for kind in KINDS for each in world.rows[kind]] + [[], *[world.some_units()] * 9]:
            named = {kind: {each for what, each in units if what == kind} for kind in KINDS}
            companies = {each for each in world.rows["company"] if each in named["company"]}
            branches = {
                each
                for each in world.rows["branch"]
                if each in named["branch"] or world.place[each]["company"] in named["company"]
            }
            departments = {
                each
                for each in world.rows["department"]
                if world.tree(each) & named["department"]
                or world.place[each]["branch"] in named["branch"]
                or world.place[each]["company"] in named["company"]
            }
            for model, within, wanted in (
                (Company, companies_within, companies),
                (Branch, branches_within, branches),
                (Department, departments_within, departments),
            ):
                assert set(await work.session.scalars(select(model.id).where(within(units)))) == wanted, units


async def test_lists_take_the_same_conditions_with_their_own_values(org, other):
    world = World(4)
    await world.build(org)
    await world.live(org, 6)
    filters = {kind: lambda value, kind=kind: people_within([(kind, value)]) for kind in KINDS}
    filters["then"] = lambda value: people_within([("department", each) for each in world.rows["department"]], at=value)
    filters["living"] = lambda value: Person.deleted_key == NOBODY
    people = HotList(
        "tests.people_within",
        Person,
        columns={"id": Person.id},
        sorts={"number": Person.number_key},
        default_sort="number",
        filters=filters,
    )
    types = dict.fromkeys(KINDS, (UUID | None, None))
    params = create_model("P", __base__=ListParameters, then=(datetime | None, None), living=(bool, True), **types)

    async def listed(work, **query):
        found: set[UUID] = set()
        rows, meta = await people.rows_and_meta(work, params(page_size=3, **query))
        total = meta["total"]
        while True:
            found |= {UUID(row["id"]) for row in rows}
            if meta["next_cursor"] is None:
                assert total == len(found)
                return found
            rows, meta = await people.rows_and_meta(work, params(page_size=3, cursor=meta["next_cursor"], **query))

    async with org.work(write=False) as work, other.work(write=False) as elsewhere:
        for kind in KINDS:
            for each in world.rows[kind][:5]:
                assert await listed(work, **{kind: each}) == world.people([(kind, each)], -1)
                assert await listed(elsewhere, **{kind: each}) == set()
        company, department = world.rows["company"][0], world.rows["department"][0]
        both = world.people([("company", company)], -1) & world.people([("department", department)], -1)
        assert await listed(work, company=company, department=department) == both
        units = [("department", each) for each in world.rows["department"]]
        for day in range(6):
            living = set(world.days[-1][0])
            at = FIRST + timedelta(days=day, hours=1)
            assert await listed(work, then=at) == world.people(units, day) & living


async def test_a_department_holds_what_is_far_below_it(org):
    """Deeper than where databases end a recursion by themselves."""
    async with org.work() as work:
        company = Company(id=work.new_id(), code="C", name="C")
        work.session.add(company)
        work.record(CompanyCreated(entity=company))
        chain = [work.new_id() for _ in range(1500)]
        for number, each in enumerate(chain):
            above = chain[number - 1] if number else None
            names = {"code": f"D-{number}", "name": "D"}
            row = Department(id=each, company_id=company.id, parent_id=above, **names)
            work.session.add(row)
            work.record(DepartmentCreated(entity=row))
            if number % 100 == 99:
                await work.flush()
        person = Person(id=work.new_id(), number="1", given_name="A", family_name="B", department_id=chain[-1])
        work.session.add(person)
        work.record(PersonCreated(entity=person))
    async with org.work(write=False) as work:
        units = [("department", chain[0])]
        for at in (None, work.now() + timedelta(minutes=1)):
            assert (await work.session.scalars(select(Person.id).where(people_within(units, at=at)))).all() == [
                person.id
            ]
        assert len((await work.session.scalars(select(Department.id).where(departments_within(units)))).all()) == 1500


async def test_who_has_left_is_not_employed_from_that_moment(org):
    names = {"given_name": "A", "family_name": "B"}
    async with org.work() as work:
        for number, fields in (("1", {}), ("2", {"end_date": FIRST.date()}), ("3", {"status": "left"})):
            person = Person(id=work.new_id(), number=number, **names, **fields)
            work.session.add(person)
            work.record(PersonCreated(entity=person))
    midnight = FIRST + timedelta(days=1)
    wanted = SimpleNamespace(before={"1", "2", "3"}, at={"1", "3"})
    async with org.work(write=False) as work:
        for moment, numbers in ((midnight - timedelta(microseconds=1), wanted.before), (midnight, wanted.at)):
            assert set(await work.session.scalars(select(Person.number).where(employed(moment)))) == numbers
