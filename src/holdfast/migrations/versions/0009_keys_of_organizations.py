"""A key for every organisation, and what was sealed with the installation's own key sealed with it."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.kernel import db
from holdfast.kernel.clock import system_clock
from holdfast.kernel.crypto import derive_key
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import new_id
from holdfast.kernel.keys import Keyring, Masters, Sealed, TenantSecret
from holdfast.kernel.settings import Settings
from holdfast.migrations.rows import all_rows

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AT_ONCE = 500
SEALED = {"user_totp": "secret", "sign_in_challenge": "enrolment", "notice": "payload"}
GONE = ("purging", "deleted")
TENANT = sa.table("tenant", sa.column("id", sa.Uuid()), sa.column("status", db.Str(20)))


class Turn(Protocol):
    """What is done with a sealed value."""

    def __call__(self, column: sa.Column[Any], tenant_id: UUID, row_id: UUID, /, *, sealed: bytes) -> bytes: ...


def upgrade() -> None:
    bind = op.get_bind()
    tenants = bind.execute(sa.select(TENANT.c.id).where(TENANT.c.status.not_in(GONE))).scalars().all()
    masters, old = (Masters.open(_settings()), _old_key()) if tenants else (None, b"")
    # Before anything is made, for MariaDB cannot take it back.
    _each(
        bind, lambda column, tenant_id, row_id, *, sealed: _open_old(old, sealed, column.table.name, tenant_id, row_id)
    )
    keys = op.create_table(
        "tenant_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("master_id", db.Str(16), nullable=False),
        sa.Column("wrapped", db.Bytes(255), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_tenant_key_tenant_id_number"),
    )
    rings: dict[UUID, Keyring] = {}
    for tenant_id in tenants:
        assert masters is not None
        secret, row_id = TenantSecret.fresh(), new_id()
        master_id, wrapped = masters.wrap(secret.raw, tenant_id=tenant_id, row_id=row_id)
        row = {"tenant_id": tenant_id, "id": row_id, "number": 1, "master_id": master_id, "wrapped": wrapped}
        bind.execute(keys.insert(), [{**row, "created_at": system_clock()}])
        rings[tenant_id] = Keyring(tenant_id, {1: secret})

    def turn(column: sa.Column[Any], tenant_id: UUID, row_id: UUID, *, sealed: bytes) -> bytes:
        plain = _open_old(old, sealed, column.table.name, tenant_id, row_id)
        return rings[tenant_id].seal(column, row_id, plain).raw

    _each(bind, turn, write=True)


def downgrade() -> None:
    bind, old, rings = op.get_bind(), _old_key(), dict[UUID, Keyring]()
    with all_rows("tenant_key"):
        columns = (sa.column("tenant_id", sa.Uuid()), sa.column("id", sa.Uuid()), sa.column("number", sa.Integer()))
        keys = sa.table("tenant_key", *columns, sa.column("master_id", db.Str(16)), sa.column("wrapped", db.Bytes(255)))
        rows = bind.execute(sa.select(keys).where(keys.c.wrapped.is_not(None))).all()
    masters = Masters.open(_settings()) if rows else None
    for tenant_id in {row.tenant_id for row in rows}:
        assert masters is not None
        mine = [row for row in rows if row.tenant_id == tenant_id]
        found = {
            row.number: TenantSecret.read(
                masters.unwrap(row.wrapped, row.master_id, tenant_id=tenant_id, row_id=row.id)
            )
            for row in mine
        }
        rings[tenant_id] = Keyring(tenant_id, found)

    def turn(column: sa.Column[Any], tenant_id: UUID, row_id: UUID, *, sealed: bytes) -> bytes:
        plain = rings[tenant_id].open(column, row_id, Sealed(sealed))
        nonce = os.urandom(12)
        place = _old_place(column.table.name, tenant_id, row_id)
        return b"\x01" + nonce + AESGCM(old).encrypt(nonce, plain, place)

    _each(bind, turn, write=True)
    op.drop_table("tenant_key")


def _each(bind: sa.Connection, turn: Turn, *, write: bool = False) -> None:
    """Open every sealed value, those of all organisations; with `write` put in its place what comes of it."""
    for name, field in SEALED.items():
        table = sa.Table(
            name,
            sa.MetaData(),
            sa.Column("tenant_id", sa.Uuid(), primary_key=True),
            sa.Column("id", sa.Uuid(), primary_key=True),
            sa.Column(field, db.Bytes(4096)),
        )
        with all_rows(name):
            for rows in _rows(bind, table, table.c[field]):
                for tenant_id, row_id, sealed in rows:
                    value = turn(table.c[field], tenant_id, row_id, sealed=sealed)
                    if write:
                        where = (table.c.tenant_id == tenant_id, table.c.id == row_id)
                        bind.execute(sa.update(table).where(*where).values({field: value}))


def _rows(bind: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> Iterator[Sequence[Any]]:
    tenant_id, row_id = table.c.tenant_id, table.c.id
    some = sa.select(tenant_id, row_id, column).where(column.is_not(None)).order_by(tenant_id, row_id).limit(AT_ONCE)
    rows = bind.execute(some).all()
    while rows:
        yield rows
        last = rows[-1]
        beyond = sa.or_(tenant_id > last.tenant_id, row_id > last.id)
        rows = bind.execute(some.where(tenant_id >= last.tenant_id, beyond)).all()


def _settings() -> Settings:
    config = op.get_context().config
    found = None if config is None else config.attributes.get("settings")
    return found if isinstance(found, Settings) else Settings()


def _old_key() -> bytes:
    return derive_key(_settings().secret_key.encode(), "sealing")


def _open_old(key: bytes, sealed: bytes, table: str, tenant_id: UUID, row_id: UUID) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], _old_place(table, tenant_id, row_id))
    except (InvalidTag, ValueError) as error:
        raise ConfigurationError(
            f"SECRET_KEY: a sealed field of {table} was written with another one. Migrate with that; or, where it is "
            "lost, switch off second factors with holdfast users reset-mfa in the version before, and try again."
        ) from error


def _old_place(table: str, tenant_id: UUID, row_id: UUID) -> bytes:
    return table.encode() + b"\0" + tenant_id.bytes + row_id.bytes
