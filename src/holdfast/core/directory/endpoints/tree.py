"""The structure of the organisation."""

from starlette.responses import Response

from holdfast.core.directory.schemas import Tree
from holdfast.core.directory.service import trees
from holdfast.kernel.http import Routes, WorkDep, json_bytes

router = Routes()


@router.get(verb=trees.read_tree, answers=Tree)
async def read_tree(work: WorkDep) -> Response:
    """Show companies, branches and departments with how many people are in each."""
    return json_bytes(await trees.read_tree(work))
