"""Who leads whom, a person's subtree at a time."""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.errors import PersonNotFound
from holdfast.core.directory.schemas import ChartParameters, ChartPerson
from holdfast.core.directory.service import people, trees
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query

router = Routes()
SHOWN_LEVELS = 1


@router.get(verb=trees.read_chart)
async def show_chart(request: Request, work: WorkDep) -> Response:
    """Show a person, or all without a superior, and those below them; what is deeper is loaded when it is opened."""
    asked = read_query(request, ChartParameters)
    depth = asked.depth if "depth" in asked.model_fields_set else SHOWN_LEVELS
    chart = await trees.read_chart(work, ChartParameters(root=asked.root, depth=depth))
    below: dict[object, list[ChartPerson]] = {}
    for person in chart.data:
        below.setdefault(None if person.level == 0 else person.manager_id, []).append(person)
    top = chart.data[0] if asked.root is not None else None
    above = None
    if top is not None and top.manager_id is not None:
        with suppress(PersonNotFound):  # whoever keeps to units may not see who leads them
            above = await people.read_person(work, person_id=top.manager_id)
    return render(
        request,
        "directory/chart.html",
        work=work,
        below=below,
        top=top,
        above=above,
        truncated=chart.truncated,
        depth=depth,
        opened=request.headers.get("hx-request") == "true",
    )
