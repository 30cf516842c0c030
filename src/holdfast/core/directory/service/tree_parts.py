"""What of the organisation's tree lies within units: pure functions on the tree as its JSON has it."""

from collections.abc import Collection, Mapping
from typing import Any

Node = dict[str, Any]
Units = Collection[tuple[str, str]] | None  # pairs of kind and id; None for the whole organisation


def part_of(tree: Node, units: Mapping[str, Units]) -> Node:
    """Return the tree with the nodes of each kind that lie within its units, and those that lead there.

    A node that only leads there keeps its name, so that the others have their place; how many people are in it is
    None, for those in the other parts of it are not counted out. So is the number of all where companies are missing.
    """
    shown = [_company(each, units) for each in tree["companies"]]
    people = tree["people"] if units["company"] is None else None
    return {**tree, "people": people, "companies": [each for each in shown if each is not None]}


def _company(company: Node, units: Mapping[str, Units]) -> Node | None:
    at = {("company", company["id"])}
    branches = [shown for each in company["branches"] if (shown := _branch(each, at, units)) is not None]
    return _node(
        {**company, "branches": branches, "departments": _departments(company, at, units)}, "company", at, units
    )


def _branch(branch: Node, at: Collection[tuple[str, str]], units: Mapping[str, Units]) -> Node | None:
    at = {*at, ("branch", branch["id"])}
    return _node({**branch, "departments": _departments(branch, at, units)}, "branch", at, units)


def _node(node: Node, kind: str, at: Collection[tuple[str, str]], units: Mapping[str, Units]) -> Node | None:
    if _within(at, units[kind]):
        return node
    return {**node, "people": None} if node["departments"] or node.get("branches") else None


def _departments(owner: Node, at: Collection[tuple[str, str]], units: Mapping[str, Units]) -> list[Node]:
    """Return the departments of a company or branch, each after the one above it."""
    mine = units["department"]
    if _within(at, mine):
        return list(owner["departments"])
    inside: set[str] = set()
    for node in owner["departments"]:
        own = {("department", node["id"]), ("branch", node["branch_id"])}
        if node["parent_id"] in inside or _within(own, mine):
            inside.add(node["id"])
    leading: set[str] = set()
    for node in reversed(owner["departments"]):
        if node["id"] in inside or node["id"] in leading:
            leading.add(node["parent_id"])
    return [
        node if node["id"] in inside else {**node, "people": None}
        for node in owner["departments"]
        if node["id"] in inside or node["id"] in leading
    ]


def _within(at: Collection[tuple[str, str]], units: Units) -> bool:
    return units is None or any(each in units for each in at)
