"""What a request names in its fields: rows that are there."""

from typing import TypeVar
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.kernel.errors import Invalid
from holdfast.kernel.work import Work

Row = TypeVar("Row", Company, Branch, Department, Person)


# lint: allow verb – reads what a verb was told of
async def named(work: Work, model: type[Row], row_id: object, field: str) -> Row | None:
    """Return the living row that a field of the body names, None where it names none; raise Invalid with the field."""
    if not isinstance(row_id, UUID):
        return None
    found = await queries.find(work, model, row_id)
    if found is None:
        raise Invalid.field(f"body.{field}", "unknown", f"there is no such {model.__name__.lower()}")
    return found
