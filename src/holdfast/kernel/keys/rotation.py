"""Sealing again, with an organisation's newest key, what earlier ones sealed."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, LargeBinary, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast.kernel.db import NOBODY
from holdfast.kernel.keys.columns import Encrypted
from holdfast.kernel.keys.rings import HEAD, Keyring, head_of
from holdfast.kernel.tenancy import tenant_tables


class Position(NamedTuple):
    """How far a walk through all sealed values has come: the number of the column, and the last row's id."""

    column: int = 0
    after: UUID = NOBODY


def encrypted_columns() -> Sequence[Column[Any]]:
    """Return the encrypted columns of every loaded model, by table and name."""
    found = [column for table in tenant_tables() for column in table.columns if isinstance(column.type, Encrypted)]
    return sorted(found, key=lambda column: (column.table.name, column.name))


async def count_earlier(connection: AsyncConnection, tenant_id: UUID, ring: Keyring) -> int:
    """Return how many values of an organisation are sealed with an earlier key than the newest."""
    count = 0
    for column in encrypted_columns():
        earlier = select(func.count()).where(
            column.table.c.tenant_id == tenant_id, _head(column) != head_of(ring.number)
        )
        count += (await connection.execute(earlier)).scalar_one()
    return count


def _head(column: Column[Any]) -> Any:
    return type_coerce(func.substr(type_coerce(column, LargeBinary), 1, HEAD), LargeBinary)


async def reseal(
    connection: AsyncConnection, tenant_id: UUID, ring: Keyring, position: Position, *, limit: int
) -> tuple[Position | None, int]:
    """Seal again what stands after a position, `limit` rows at most; return where it came to, None for the end.

    The second is how many values were sealed again. It goes past the session, which must hold none of the rows: what a
    value says stays the same. Who changes one meanwhile wins.
    """
    columns = encrypted_columns()
    if position.column >= len(columns):
        return None, 0
    column = columns[position.column]
    key = column.table.c.id
    where = (column.table.c.tenant_id == tenant_id, key > position.after, _head(column) != head_of(ring.number))
    rows = (await connection.execute(select(key, column).where(*where).order_by(key).limit(limit))).all()
    count = 0
    for row_id, sealed in rows:
        anew = ring.seal(column, row_id, ring.open(column, row_id, sealed))
        same = (column.table.c.tenant_id == tenant_id, key == row_id, column == sealed)
        count += (await connection.execute(update(column.table).where(*same).values({column.name: anew}))).rowcount
    if len(rows) < limit:
        return Position(position.column + 1), count
    return Position(position.column, rows[-1][0]), count
