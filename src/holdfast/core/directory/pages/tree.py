"""The organisation: companies, their branches and departments, and how many people are in each."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.service import trees
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query
from holdfast.kernel.schemas import Inward

router = Routes()
# A tree of so many nodes is shown open.
SMALL = 60


class TreeQuery(Inward):
    """What of the tree is open; else what fits on a screen or two."""

    open: Literal["all", "none"] | None = None


@router.get(verb=trees.browse_tree)
async def show_tree(request: Request, work: WorkDep) -> Response:
    """Show the tree."""
    asked = read_query(request, TreeQuery).open
    tree = await trees.browse_tree(work)
    companies = tree["companies"]
    owners = [*companies, *(branch for company in companies for branch in company["branches"])]
    small = len(owners) + sum(len(owner["departments"]) for owner in owners) <= SMALL
    return render(
        request,
        "directory/tree.html",
        work=work,
        tree=tree,
        open_companies=asked != "none" and (asked == "all" or small or len(companies) == 1),
        open_all=asked == "all" or (asked is None and small),
        may={name: work.actor.may(f"directory.{name}") for name in ("company.create", "person.read")},
    )
