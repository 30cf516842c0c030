"""Who leads whom."""

from typing import Annotated

from fastapi import Query

from holdfast.core.directory.schemas import Chart, ChartParameters
from holdfast.core.directory.service import trees
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=trees.read_chart)
async def read_chart(work: WorkDep, params: Annotated[ChartParameters, Query()]) -> Chart:
    """Show people under their superiors: at most a thousand, level by level."""
    return await trees.read_chart(work, params)
