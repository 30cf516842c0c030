"""What the foreign app takes and gives."""

from typing import Annotated

from pydantic import Field

from holdfast.kernel.schemas import Inward, OneLine, RecordOut


class ItemCreate(Inward):
    """A new thing."""

    title: Annotated[OneLine, Field(min_length=1, max_length=100)]
    lock_code: Annotated[OneLine | None, Field(min_length=4, max_length=64)] = None


class ItemOut(RecordOut):
    """A thing that can be lent."""

    title: str
