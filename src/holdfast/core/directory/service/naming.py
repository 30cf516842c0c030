"""What a request names in its fields: rows that are there."""

from typing import Any, TypeVar
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.models import Branch, Company, Department, Person, PersonGroup
from holdfast.kernel.errors import Invalid
from holdfast.kernel.work import Work

Row = TypeVar("Row", Company, Branch, Department, Person)
KINDS: dict[str, Any] = {
    "company": Company,
    "branch": Branch,
    "department": Department,
    "person": Person,
    "group": PersonGroup,
}


# lint: allow verb – reads what a verb was told of
async def named(work: Work, model: type[Row], row_id: object, field: str) -> Row | None:
    """Return the living row that a field of the body names, None where it names none; raise Invalid with the field."""
    if not isinstance(row_id, UUID):
        return None
    found = await queries.find(work, model, row_id)
    if found is None:
        raise Invalid.field(f"body.{field}", "unknown", f"there is no such {model.__name__.lower()}")
    return found


# lint: allow verb – the same, for slices that point at what the directory holds
async def name_unit(work: Work, kind: str, row_id: UUID, *, field: str) -> None:
    """Raise Invalid with the field unless it names a living row of the kind; the structure must be held."""
    if await queries.find(work, KINDS[kind], row_id) is None:
        raise Invalid.field(field, "unknown", f"there is no such {kind}")
