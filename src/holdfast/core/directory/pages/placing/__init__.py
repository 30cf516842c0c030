"""Where a record belongs, as one choice of a form: `company:…`, `branch:…` or `department:…`, empty for nowhere."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

KINDS = ("company", "branch", "department")
Choices = list[tuple[str, list[tuple[str, str]]]]  # groups of (value, label), a group a company


def _place(text: str) -> str:
    kind, _, row_id = text.partition(":")
    try:
        return f"{KINDS[KINDS.index(kind)]}:{UUID(row_id)}"
    except ValueError:
        raise ValueError("must be one of the choices") from None


Place = Annotated[str, Field(max_length=60), AfterValidator(_place)]


def place_of(row: object, above: str) -> str:
    """Return the innermost place that a row, or a list's filters, name; `above` is the field for the department."""
    columns = zip(reversed(KINDS), (above, "branch_id", "company_id"), strict=True)
    named = ((kind, getattr(row, column)) for kind, column in columns)
    return next((f"{kind}:{row_id}" for kind, row_id in named if row_id is not None), "")


def filtered(given: Mapping[str, Any], above: str) -> dict[str, Any]:
    """Return a list's filters with the one `place` that a form sends as the list has it."""
    others = {name: value for name, value in given.items() if name != "place"}
    return (
        others
        if given.get("place") is None
        else {**others, "company_id": None, "branch_id": None} | placed(given["place"], above)
    )


def placed(place: str | None, above: str) -> dict[str, UUID | None]:
    """Return the fields that put a row into a place; what lies around it follows, or stays where it still fits."""
    kind, _, row_id = (place or "").partition(":")
    columns = ("company_id", "branch_id", above)
    at = KINDS.index(kind) if kind else -1
    inside: dict[str, UUID | None] = dict.fromkeys(columns[at + 1 :])
    return inside | ({columns[at]: UUID(row_id)} if kind else {})


def places(tree: Mapping[str, Any], *, but: str | None = None) -> Choices:
    """Return every place of the tree; not the department `but` and what is below it."""
    groups: Choices = []
    for company in tree["companies"]:
        options = [(f"company:{company['id']}", company["name"])]
        for branch in company["branches"]:
            options.append((f"branch:{branch['id']}", f"{branch['name']} (branch)"))
            options += _departments(branch, but)
        groups.append((company["name"], options + _departments(company, but)))
    return groups


def path_to(tree: Mapping[str, Any], place: str) -> str | None:
    """Return the names from the company to a place, None where the tree does not have it."""
    for company in tree["companies"]:
        owners = [("company", company, company["name"])]
        owners += [("branch", each, path(company["name"], each["name"])) for each in company["branches"]]
        for kind, owner, name in owners:
            if place == f"{kind}:{owner['id']}":
                return str(name)
            for node in owner["departments"]:
                if place == f"department:{node['id']}":
                    return path(name, node["name"])
    return None


def path(*names: str | None) -> str:
    """Return names from the outside to the inside as one text."""
    return " › ".join(name for name in names if name)


def _departments(owner: Mapping[str, Any], but: str | None) -> list[tuple[str, str]]:
    """Return the departments of a company or branch; each says what it is in, because many have the same name."""
    options = []
    names = {node["id"]: node["name"] for node in owner["departments"]}
    hidden: int | None = None  # the level of `but` while what follows is below it
    for node in owner["departments"]:
        if hidden is not None and node["level"] <= hidden:
            hidden = None
        if node["id"] == but:
            hidden = node["level"]
        if hidden is None:
            above = names.get(node["parent_id"], owner["name"])
            options.append((f"department:{node['id']}", f"{node['name']} – {above}"))
    return options
