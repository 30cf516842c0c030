"""The demo installation: five organisations with people, sign-ins and a history, the same ones every time."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from holdfast.core.directory import demo as directory
from holdfast.core.identity import demo as identity
from holdfast.core.identity.demo import SignInAccount, has_demo
from holdfast.core.notify import demo as notify
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import named_id
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.work import Works

__all__ = ["AUDIT_ENDS", "DemoSummary", "demo_sign_ins", "describe_sign_ins", "has_demo", "load_demo", "sign_ins_of"]

Progress = Callable[[int, int, str], None]
AUDIT_ENDS = datetime(2030, 12, 31, 18, tzinfo=UTC)
TRAINED = "FIRST-AID"  # the group that somebody holds a role in


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the demo installation holds, and what of it this call loaded."""

    organizations: int
    companies: int
    people: int
    sign_ins: int
    loaded: int


def silent(done: int, total: int, label: str) -> None:
    """Show nothing."""


def cast_of(plan: directory.Organisation, members: list[directory.Member]) -> dict[str, int]:
    """Return the places of those who have an account: by the first part of the sign-in, and `joining` and `away`."""
    access = identity.ACCESS[plan.slug]
    staying = [place for place, member in enumerate(members) if member.end_date is None]
    cast = {"ceo": 0}

    def choose(role: str, places: Iterable[int]) -> None:
        cast[role] = next(place for place in places if place not in cast.values())

    def at(place: identity.Place) -> list[int]:
        return [each for each in staying if (members[each].site, members[each].department) == place]

    choose("lead", at(access.department))
    choose("manager", at(access.branch))
    choose("reviewer", reversed(at(access.company)))
    early = [place for place in staying if members[place].start_date <= plan.founded]
    for local in identity.ROLES:
        if local not in cast:
            choose(local, early)
    leading = {member.manager for member in members}
    choose("away", (place for place in reversed(early) if place not in leading))
    choose("joining", sorted(staying, key=lambda place: members[place].start_date, reverse=True))
    choose("trainer", early)
    return cast


def sign_ins_of(plan: directory.Organisation, members: list[directory.Member]) -> list[SignInAccount]:
    """Return the sign-ins of an organisation: one a built-in role, and those who hold a role in a part of it."""
    access, cast = identity.ACCESS[plan.slug], cast_of(plan, members)
    roles = {
        **identity.ROLES,
        **dict(zip(identity.SCOPED, (access.lead.name, access.lead.name, "Auditor", "Viewer"), strict=True)),
    }
    return [
        SignInAccount(f"{local}@{plan.domain}", identity.PASSWORD, _name(members[cast[local]]), role)
        for local, role in roles.items()
    ]


def demo_sign_ins() -> tuple[tuple[str, str, str], ...]:
    """Return (who, name, password) of the sign-ins that the sign-in page and the start of the program tell of."""
    first = directory.ORGANISATIONS[0]
    told = [("Operator of the installation", identity.OPERATOR.email, identity.OPERATOR.password)]
    told += [
        (f"{role} of {first.name}", f"{local}@{first.domain}", identity.PASSWORD)
        for local, role in identity.ROLES.items()
    ]
    return tuple(told)


def describe_sign_ins() -> list[str]:
    """Return the lines that tell a person at the terminal how to sign in."""
    names = " ".join(f"{local}@" for local in (*identity.ROLES, *identity.SCOPED))
    domains = ", ".join(plan.domain for plan in directory.ORGANISATIONS)
    operator = identity.OPERATOR
    return [
        f"  {operator.email} / {operator.password}  (operator)",
        f"  {names} of {domains} / {identity.PASSWORD}",
    ]


async def load_demo(works: Works, progress: Progress = silent) -> DemoSummary:
    """Load the demo data; an organisation that is there stays, so that a broken-off load can be taken up again.

    Raises ConfigurationError where the database holds anything that is not of the demo.
    """
    if await identity.has_other(works):
        raise ConfigurationError("The demo needs an empty database; this one holds organisations of its own.")
    plans = [(plan, directory.staff_of(plan)) for plan in directory.ORGANISATIONS]
    companies, people = sum(len(plan.companies) for plan, _ in plans), sum(len(members) for _, members in plans)
    done, total, loaded = 0, companies + people, 0
    if not await has_demo(works):
        first = min(directory.founded_at(plan) for plan, _ in plans)
        await identity.add_operator(works, founded=first - timedelta(days=1))
    for plan, members in plans:
        if await identity.find_tenant_id(works, slug=plan.slug) is not None:
            done += len(plan.companies) + len(members)
            continue

        def step(rows: int, label: str = plan.name) -> None:
            nonlocal done
            done += rows
            progress(done, total, label)

        await _load(works, plan, members, step)
        loaded += 1
    sign_ins = len(plans) * (len(identity.ROLES) + len(identity.SCOPED)) + 1
    return DemoSummary(len(plans), companies, people, sign_ins, loaded)


async def _load(
    works: Works, plan: directory.Organisation, members: list[directory.Member], step: Callable[[int], None]
) -> None:
    """Load one organisation in one transaction; the passwords are hashed before it begins."""
    accounts = sign_ins_of(plan, members)
    hashes = await asyncio.gather(*(identity.hash_password(works, account.password) for account in accounts))
    founded = directory.founded_at(plan)
    async with works.begin(named_id(founded, plan.slug), SYSTEM) as work:
        chief = await identity.found_demo_tenant(
            work,
            slug=plan.slug,
            name=plan.name,
            industry=plan.industry,
            country=plan.country,
            founded=founded,
            chief=accounts[0],
            hashed=hashes[0],
        )
        work.act_as(Actor("user", chief))
        await directory.load_directory(work, plan, members, step)
        staffing = _staffing(plan, members, chief, list(zip(accounts, hashes, strict=True))[1:])
        await identity.load_access(work, identity.ACCESS[plan.slug], staffing)
        users = [identity.user_id_of(plan.slug, founded, account.email) for account in staffing.active]
        await notify.load_inbox(work, [chief, *users], until=directory.morning(directory.LAST_DAY))


def _staffing(
    plan: directory.Organisation,
    members: list[directory.Member],
    chief: UUID,
    sign_ins: list[tuple[SignInAccount, str]],
) -> identity.Staffing:
    """Return the accounts of an organisation beside its chief's; `sign_ins` are those with a password."""
    access, cast, founded = identity.ACCESS[plan.slug], cast_of(plan, members), directory.founded_at(plan)
    scoped = _scoped_roles(plan, access)
    # Somebody led the department while its head was away; the end of that has passed.
    stand_in = identity.Given(
        access.lead.name, scoped["lead"].unit, founded + timedelta(days=100), founded + timedelta(days=130)
    )

    def account(
        local: str, email: str, since: datetime, hashed: str | None, *roles: identity.Given
    ) -> identity.Account:
        person_id = directory.person_id(plan, members, cast[local])
        return identity.Account(email, _name(members[cast[local]]), person_id, since, roles, hashed)

    active = []
    for each, hashed in sign_ins:
        local = each.email.partition("@")[0]
        since = max(founded + timedelta(hours=5), directory.since(plan, members[cast[local]]) + timedelta(hours=1))
        roles = {
            "lead": (identity.Given("User"), scoped["lead"]),
            "manager": (identity.Given("User"), scoped["manager"]),
            "reviewer": (scoped["reviewer"],),
            "trainer": (scoped["trainer"],),
            "user": (identity.Given("User"), stand_in),
        }.get(local, (identity.Given(each.role),))
        active.append(account(local, each.email, since, hashed, *roles))
    joined = directory.morning(directory.LAST_DAY) - timedelta(days=1)
    return identity.Staffing(
        slug=plan.slug,
        founded=founded,
        chief_id=chief,
        chief_person_id=directory.person_id(plan, members, cast["ceo"]),
        active=active,
        joining=account("joining", members[cast["joining"]].email, joined, None, identity.Given("User")),
        away=account("away", members[cast["away"]].email, founded + timedelta(days=150), None, identity.Given("User")),
    )


def _scoped_roles(plan: directory.Organisation, access: identity.AccessPlan) -> dict[str, identity.Given]:
    """Return the role that each of the scoped sign-ins holds in a department, a branch, a company, a group."""
    kind = identity.ScopeKind
    return {
        "lead": identity.Given(
            access.lead.name, (kind.DEPARTMENT, directory.unit_id(plan, "department", *access.department))
        ),
        "manager": identity.Given(access.lead.name, (kind.BRANCH, directory.unit_id(plan, "branch", *access.branch))),
        "reviewer": identity.Given(
            "Auditor", (kind.COMPANY, directory.unit_id(plan, "company", *access.company)), until=AUDIT_ENDS
        ),
        "trainer": identity.Given(
            "Viewer",
            (kind.GROUP, directory.unit_id(plan, "group", TRAINED)),
            since=directory.founded_at(plan) + timedelta(days=20),
        ),
    }


def _name(member: directory.Member) -> str:
    return f"{member.given_name} {member.family_name}"
