"""The structure of the organisation, and who leads whom."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from holdfast.core.directory import queries
from holdfast.core.directory.models import Person
from holdfast.core.directory.schemas import Chart, ChartParameters, ChartPerson
from holdfast.core.directory.service.scopes import require_seen
from holdfast.core.directory.service.tree_parts import Node, Units, part_of
from holdfast.kernel.cache import Namespace
from holdfast.kernel.crypto import digest
from holdfast.kernel.permissions import authorise, verb
from holdfast.kernel.work import Work

# So many people a chart shows at most, level by level.
AT_MOST = 1000

KINDS = ("company", "branch", "department")


# A tree stands behind the hash of its epoch, and one organisation's takes the place of the one before.
TREES, WHOLE = Namespace("directory.tree", seconds=24 * 3600), "whole"


@verb("directory.organization.read", scoped=True)
async def read_tree(work: Work) -> bytes:
    """Return companies, branches and departments with how many people are in each, as JSON.

    Departments stand under the branch or company of the topmost one above them, each after the one above it: depth
    is a number and not a nesting, so that no reader's stack limits it. A tree is made once an epoch: the epoch is read
    first, so a tree that is kept with it may be younger, never older. Whoever sees some units only gets them and what
    leads there.
    """
    units = _units(work)
    tree = await _kept_tree(work)
    if all(each is None for each in units.values()):
        return tree
    return orjson.dumps(part_of(orjson.loads(tree), units))


@verb("directory.organization.read", scoped=True)
async def browse_tree(work: Work) -> Node:
    """Return the tree in the shape of the schema Tree, for pages."""
    tree: Node = orjson.loads(await read_tree(work))
    return tree


@verb("directory.person.read", scoped=True)
async def read_chart(work: Work, params: ChartParameters) -> Chart:
    """Return a person, or all without a superior, and those below them, level by level; raise PersonNotFound.

    Whoever sees the people of some units only gets these, at the top those whose superior is none of them.
    """
    units = work.actor.units("directory.person.read")
    if params.root is None:
        level = await queries.list_led(work, manager_ids=None, limit=AT_MOST + 1, units=units)
    else:
        level = [await queries.get_person(work, person_id=params.root)]
        await require_seen(work, level[0])
    shown: list[tuple[int, Person]] = []
    for number in range(params.depth + 1):
        shown += [(number, person) for person in level]
        if number == params.depth or not level or len(shown) > AT_MOST:
            break
        ids = [person.id for person in level]
        level = await queries.list_led(work, manager_ids=ids, limit=AT_MOST + 1 - len(shown), units=units)
    cut = len(shown) > AT_MOST
    shown = shown[:AT_MOST]
    reports = await queries.count_reports(work, person_ids=[person.id for _, person in shown], units=units)
    return Chart(data=[_in_chart(number, person, reports) for number, person in shown], truncated=cut)


def _units(work: Work) -> dict[str, Units]:
    """Return the units in which the caller sees each kind of node; raise Forbidden for a kind not seen anywhere."""
    found: dict[str, Units] = {}
    for kind in KINDS:
        permission = f"directory.{kind}.read"
        authorise(work.actor, permission, scoped=True)
        units = work.actor.units(permission)
        found[kind] = None if units is None else {(each, str(unit_id)) for each, unit_id in units}
    return found


async def _kept_tree(work: Work) -> bytes:
    epoch = digest(await queries.read_epoch(work))
    kept = await work.house.cache.find(TREES, work.tenant_id, WHOLE)
    if kept is not None and kept.startswith(epoch):
        return kept[len(epoch) :]
    tree = await _make_tree(work)
    await work.house.cache.keep(TREES, work.tenant_id, WHOLE, epoch + tree)
    return tree


async def _make_tree(work: Work) -> bytes:
    """Return the whole tree as JSON by two statements, whatever its size."""
    organization = await queries.get_organization(work)
    written = queries.id_writer(work)
    owners, places, departments, people = await queries.read_structure(work)
    counts = _counted(people)
    nodes: dict[Any, Node] = {}
    companies = []
    for _, row_id, _, _, _, code, name, *_ in owners:
        nodes[row_id] = node = {"id": written(row_id), "code": code, "name": name, "people": counts[row_id]}
        node["branches"], node["departments"] = [], []
        companies.append(node)
    for _, row_id, company_id, _, _, code, name, *_ in places:
        nodes[row_id] = node = {"id": written(row_id), "code": code, "name": name, "people": counts[row_id]}
        node["departments"] = []
        nodes[company_id]["branches"].append(node)
    _arrange(departments, nodes, counts, written)
    tree = {"id": str(organization.id), "name": organization.name, "people": counts[None], "companies": companies}
    return orjson.dumps(tree)


def _counted(people: queries.Rows) -> Counter[Any]:
    """Return how many people are in each company, in each branch and directly in each department; None for all."""
    counts: Counter[Any] = Counter()
    for _, _, company_id, branch_id, department_id, _, _, count, _ in people:
        counts[company_id] += count
        counts[branch_id] += count
        counts[department_id] += count
    counts[None] = sum(row[7] for row in people)
    return counts


def _arrange(
    departments: queries.Rows, nodes: dict[Any, Node], counts: Counter[Any], written: Callable[[Any], str]
) -> None:
    """Put each department behind the one above it into the list of its place; siblings keep their order."""
    below: dict[Any, list[Any]] = defaultdict(list)
    for row in departments:
        below[row[4]].append(row)
    for top in below[None]:
        arranged: list[tuple[Node, Node | None]] = []
        stack: list[tuple[Any, int, Node | None]] = [(top, 0, None)]
        while stack:
            (_, row_id, _, branch_id, _, code, name, *_), level, upper = stack.pop()
            node = {
                "id": written(row_id),
                "parent_id": upper and upper["id"],
                "branch_id": nodes[branch_id]["id"] if branch_id is not None else None,
                "code": code,
                "name": name,
                "level": level,
                "people": counts[row_id],
            }
            arranged.append((node, upper))
            if row_id in below:
                stack += [(row, level + 1, node) for row in reversed(below[row_id])]
        for node, upper in reversed(arranged):  # who is below comes later: each sum is whole when it is passed up
            if upper is not None:
                upper["people"] += node["people"]
        nodes[top[3] or top[2]]["departments"] += [node for node, _ in arranged]


def _in_chart(level: int, person: Person, reports: dict[UUID, int]) -> ChartPerson:
    return ChartPerson(
        id=person.id,
        name=f"{person.given_name} {person.family_name}",
        job_title=person.job_title,
        status=person.status,
        manager_id=person.manager_id,
        reports=reports.get(person.id, 0),
        level=level,
    )
