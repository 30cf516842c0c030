"""What users choose for the console."""

from typing import Annotated, Literal

from pydantic import Field

from holdfast.kernel.schemas import Inward


class ThemeChoice(Inward):
    """Whether pages are light, dark or as the system says."""

    theme: Literal["system", "light", "dark"]


class ListChoice(Inward):
    """How lists are shown."""

    page_size: Annotated[int, Field(ge=10, le=200, description="Rows of a page.")]
