"""python -m bench.people: lists, searches and the tree of a large organisation against a small one, on PostgreSQL.

--people N (1000000), --small N (10000), --rounds N (5), --seconds S (0.5), --only list,search,tree. One connection, so
that what is measured is the time of one answer. It loads a million people first: minutes, and about three gigabytes.
"""

import argparse
import asyncio
import itertools
import json
import random
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from bench.data import POSTGRES, Place, place
from bench.load import load
from bench.report import OUT
from bench.servers import Server, get, served
from holdfast.core.directory.queries.words import PERSON_SEARCH, words_of_person
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import add_user, found_tenant, open_session
from holdfast.kernel.clock import system_clock
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import Installation, open_installation

SYLLABLES = tuple(first + second for first in "bdfghjklmnprst" for second in "aeio")
COMPANIES, BRANCHES, NODES = 50, 450, 5_000
UNIT = ("tenant_id", "id", "code", "code_key", "name", "name_key", "version", "created_at", "updated_at", "deleted_key")
PERSON = (
    *("tenant_id", "id", "number", "number_key", "given_name", "family_name", "name_key", "email", "email_key"),
    *("job_title", "company_id", "branch_id", "department_id", "status", "version"),
    *("created_at", "updated_at", "deleted_key"),
)
NAME = PERSON.index("name_key")
SEARCHED = [PERSON.index(column.key) for column in PERSON_SEARCH]


def names(count: int, seed: int) -> list[str]:
    """Return so many different names of two to four syllables, the same ones for the same seed."""
    source = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(source.choices(SYLLABLES, k=source.choice((2, 3, 4)))).capitalize()] = None
    return list(found)


GIVEN, FAMILY = names(2_000, 1), names(50_000, 2)


def people(tenant_id: UUID, count: int, places: list[tuple[UUID, UUID, UUID]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of people whose names are drawn from the same names, however many they are."""
    source, now = random.Random(3), system_clock() - timedelta(days=30)
    for number in range(count):
        given, family = source.choice(GIVEN), source.choice(FAMILY)
        name, address = f"{family} {given}".lower(), f"{given}.{family}{number}@example.test".lower()
        at = now + timedelta(seconds=number)
        code = f"E-{number:07}"
        where = places[number % len(places)]
        yield (
            *(tenant_id, new_id(), code, code.lower(), given, family, name, address, address, "Engineer", *where),
            *("active", 1, at, at, NOBODY),
        )


async def add_structure(owner: asyncpg.Connection, tenant_id: UUID) -> list[tuple[UUID, UUID, UUID]]:
    """Add the companies, branches and departments of a tree of 5,000 nodes and return company, branch, department."""
    now = system_clock()

    def unit(kind: str, number: int) -> tuple[Any, ...]:
        name = f"{kind} {number:05}"
        return tenant_id, new_id(), name, name.lower(), name, name.lower(), 1, now, now, NOBODY

    companies = [unit("C", number) for number in range(COMPANIES)]
    branches = [(*unit("B", number), companies[number % COMPANIES][1]) for number in range(BRANCHES)]
    departments: list[tuple[Any, ...]] = []
    for number in range(NODES - COMPANIES - BRANCHES):
        branch = branches[number % BRANCHES]
        above = departments[number - BRANCHES][1] if number >= BRANCHES else None
        departments.append((*unit("D", number), branch[-1], branch[1], above))
    rows = [(*row, "active") for row in companies]
    await owner.copy_records_to_table("company", records=rows, columns=[*UNIT, "status"])
    rows = [(*row, "office", "active") for row in branches]
    await owner.copy_records_to_table("branch", records=rows, columns=[*UNIT, "company_id", "kind", "status"])
    columns = [*UNIT, "company_id", "branch_id", "parent_id"]
    await owner.copy_records_to_table("department", records=departments, columns=columns)
    return [(row[-3], row[-2], row[1]) for row in departments]


async def add_tenant(home: Installation, owner: asyncpg.Connection, slug: str, count: int) -> str:
    """Add an organisation with so many people and return its administrator's token."""
    tenant_id = new_id()
    async with home.works.begin(tenant_id, SYSTEM) as work:
        await found_tenant(work, slug=slug, name=f"Org {slug}", country="GB")
        user = await add_user(
            work, email=f"admin@{slug}.test", name="Bench Admin", password_hash="$argon2id$none", roles=["Admin"]
        )
        await work.flush()
        opened = open_session(work, home.desk, user=user, kind=SessionKind.TOKEN)
        work.record(SignedIn(entity=opened.session))
    places = await add_structure(owner, tenant_id)
    rows = people(tenant_id, count, places)
    while chunk := list(itertools.islice(rows, 50_000)):
        await owner.copy_records_to_table("person", records=chunk, columns=PERSON)
        words = [
            (tenant_id, row[1], word, row[NAME], False)
            for row in chunk
            for word in words_of_person(*(row[place] for place in SEARCHED))
        ]
        columns = ("tenant_id", "id", "word", "name_key", "in_trash")
        await owner.copy_records_to_table("person_word", records=words, columns=columns)
    return opened.access_token


def fetch(server: Server, at: Place, target: str) -> Any:
    """Return the JSON of one answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{target}", headers={"Authorization": f"Bearer {at.token}"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def cases(server: Server, at: Place, only: list[str]) -> dict[str, str]:
    """Return what is asked of an organisation: a name and a target."""
    url, found = "/api/v1/org/people?page_size=50", {}
    someone = fetch(server, at, f"{url}&sort=number&page=90")["data"][7]
    if "list" in only:
        cursor = fetch(server, at, f"{url}&page=100")["meta"]["next_cursor"]
        found |= {"list: first page": url, "list: after a cursor": f"{url}&cursor={cursor}"}
    if "search" in only:
        given, family = someone["given_name"], someone["family_name"]
        words = {
            "a family name": family,
            "both names": f"{given} {family}",
            "a given name": given,
            "the beginning of two names": f"{given[:4]} {family[:4]}",
            "a number": someone["number"],
            "an address": someone["email"],
            "nobody": "xyzzy",
        }
        found |= {f"search: {name}": f"{url}&q={urllib.parse.quote(text)}" for name, text in words.items()}
    if "tree" in only:
        found["tree of 5,000 nodes, kept"] = "/api/v1/org/tree"
    return found


async def p50(server: Server, at: Place, target: str, seconds: float) -> float:
    """Return the median time of an answer in milliseconds."""
    requests = itertools.repeat(get(at, target))
    sample = await load(
        server.port,
        requests,
        status=b"200",
        seconds=seconds,
        connections=1,
        server=server.process.pid,
        backends=server.backends,
    )
    assert not sample.failures, target
    return sample.p50


async def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.people", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--only", default="list,search,tree")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with place("postgresql", Path(folder)) as at:
            home = open_installation(Settings(_env_file=None, **{k.lower(): v for k, v in at.environment.items()}))  # type: ignore[arg-type,call-arg]
            owner = await asyncpg.connect(f"{POSTGRES}/{at.name}")
            small = replace(at, token=await add_tenant(home, owner, "small", asked.small))
            large = replace(at, token=await add_tenant(home, owner, "large", asked.people))
            await owner.execute("VACUUM ANALYZE")
            await owner.close()
            await home.close()
            async with served(at, floor=False, log=OUT / "people.log") as server:
                await _compare(server, small, large, asked)


async def _compare(server: Server, small: Place, large: Place, asked: argparse.Namespace) -> None:
    targets = [cases(server, each, asked.only.split(",")) for each in (small, large)]
    print(f"| p50 ms | {asked.small:,} people | {asked.people:,} people | ratio |\n|---|---:|---:|---:|")
    for name in targets[0]:
        found: list[list[float]] = [[], []]
        for _ in range(asked.rounds):
            for side, each in enumerate((small, large)):
                found[side].append(await p50(server, each, targets[side][name], asked.seconds))
        few, many = (median(times) for times in found)
        print(f"| {name} | {few:.1f} | {many:.1f} | {many / few:.2f} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
