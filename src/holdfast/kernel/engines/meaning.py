"""What an error of the database means to a caller: which value is taken, or that somebody else was faster."""

import functools

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from holdfast.kernel.db import Base
from holdfast.kernel.engines.faults import ConstraintConflict, database_error
from holdfast.kernel.errors import Conflict, FieldError, HoldfastError, UniqueViolation


def meaning(error: BaseException) -> HoldfastError | None:
    """Return what an error of the database means, with the field that a taken value belongs to; None for others."""
    if isinstance(error, StaleDataError):
        return Conflict("The record was changed by someone else at the same moment. Read it again.")
    known = database_error(error) if isinstance(error, DBAPIError | HoldfastError | TimeoutError) else None
    if isinstance(known, ConstraintConflict):
        name = _field_of(known.constraint)
        if name is not None:
            message = f"{name} is taken"
            return UniqueViolation(f"body.{name}: is taken", errors=(FieldError(f"body.{name}", "taken", message),))
    return known


@functools.lru_cache(maxsize=256)
def _field_of(constraint: str | None) -> str | None:
    """Return the field that a unique constraint guards: the servers name the constraint, SQLite its columns."""
    for table in Base.metadata.tables.values():
        for each in table.constraints:
            columns = ", ".join(f"{table.name}.{column.name}" for column in getattr(each, "columns", ()))
            if constraint in (each.name, columns) and "field" in each.info:
                return str(each.info["field"])
    return None
