"""The demo installation: five organisations with people, sign-ins and a history, the same ones every time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from holdfast.core.directory import demo as directory
from holdfast.core.identity import demo as identity
from holdfast.core.identity.demo import SignInAccount, has_demo
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import named_id
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.work import Works

__all__ = ["DemoSummary", "demo_sign_ins", "describe_sign_ins", "has_demo", "load_demo", "sign_ins_of"]

Progress = Callable[[int, int, str], None]


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


def sign_ins_of(plan: directory.Organisation, members: list[directory.Member]) -> list[SignInAccount]:
    """Return the sign-ins of an organisation: the chief executive and four of the others, one a role."""
    holders = [0, *(place for place in range(1, len(members)) if members[place].end_date is None)]
    return [
        SignInAccount(
            f"{local}@{plan.domain}",
            identity.PASSWORD,
            f"{members[place].given_name} {members[place].family_name}",
            role,
        )
        for place, (local, role) in zip(holders, identity.ROLES.items(), strict=False)
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
    names = " ".join(f"{local}@" for local in identity.ROLES)
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
    sign_ins = len(plans) * len(identity.ROLES) + 1
    return DemoSummary(len(plans), companies, people, sign_ins, loaded)


async def _load(
    works: Works, plan: directory.Organisation, members: list[directory.Member], step: Callable[[int], None]
) -> None:
    """Load one organisation in one transaction; the passwords are hashed before it begins."""
    accounts = [
        (account, await identity.hash_password(works, account.password)) for account in sign_ins_of(plan, members)
    ]
    founded = directory.founded_at(plan)
    async with works.begin(named_id(founded, plan.slug), SYSTEM) as work:
        chief = await identity.found_demo_tenant(
            work,
            slug=plan.slug,
            name=plan.name,
            industry=plan.industry,
            country=plan.country,
            founded=founded,
            accounts=accounts,
        )
        work.act_as(Actor("user", chief))
        await directory.load_directory(work, plan, members, step)
