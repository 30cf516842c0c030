"""What tables are made of: the base class, the two kinds of ownership, portable types, composite keys."""

import enum
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import orjson
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedColumn,
    Relationship,
    declared_attr,
    mapped_column,
    relationship,
)
from sqlalchemy.types import TypeEngine

from holdfast.kernel.ids import new_id

NOBODY = UUID(int=0)
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds on every database; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Return the column type of the dialect: MySQL drops microseconds unless asked."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value as the driver wants it: aware on PostgreSQL, naive UTC elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given where a moment in UTC is needed")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware UTC datetime."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Str(TypeDecorator[str]):
    """Text of bounded length compared byte by byte, so that equality and order are the same everywhere."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the column type with a binary collation that neither folds nor pads."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(String(self.length, collation="C"))
        if dialect.name in {"mysql", "mariadb"}:
            collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", True) else "utf8mb4_0900_bin"
            return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation))
        return dialect.type_descriptor(String(self.length))


class Choice(TypeDecorator[enum.StrEnum]):
    """One of the values of a StrEnum, stored as text and checked by the database."""

    impl = Str
    cache_ok = True

    def __init__(self, kind: type[enum.StrEnum]) -> None:
        super().__init__(20)
        self.kind = kind

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text; ValueError for one that is not among the values."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> enum.StrEnum | None:  # noqa: ARG002
        """Return the member of the enumeration."""
        return None if value is None else self.kind(value)


class CanonicalJson(TypeDecorator[Json]):
    """JSON as text with sorted keys: equal data are equal bytes on every database."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return a text type that holds more than 64 KiB on MySQL too."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Json, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the canonical text."""
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json:  # noqa: ARG002
        """Return the data."""
        return None if value is None else orjson.loads(value)


class Bytes(TypeDecorator[bytes]):
    """A byte string of bounded length that can stand in an index."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bytes]:
        """Return VARBINARY on MySQL, whose BLOB cannot be a key."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.VARBINARY(self.length))
        return dialect.type_descriptor(LargeBinary(self.length))


def driver_value(dialect: str, value: object) -> object:
    """Return a value as the dialect's driver takes it beneath SQLAlchemy: for the few statements that run there."""
    if dialect == "postgresql":
        return value
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None)
        return naive.isoformat(" ", "microseconds") if dialect == "sqlite" else naive
    return value


def canonical(value: object) -> bytes:
    """Return `value` as canonical JSON bytes: UTF-8, keys sorted, no blanks."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def folded(text: str) -> str:
    """Return text as it is compared and sorted: NFKC, case folded, single blanks (Unicode 15, section 3.13)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class Base(DeclarativeBase):
    """Base of every model; adds the composite foreign keys, indexes and checks that columns ask for."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )
    # False: rows of this table leave no entry of their own; the reason stands beside it.
    __audited__: ClassVar[bool] = True
    # The path parameter that names a row, where that is not the table's name with `_id`.
    __parameter__: ClassVar[str] = ""

    @classmethod
    def __table_cls__(cls, name: str, metadata: MetaData, *parts: Any, **options: Any) -> Table:
        """Return the table, completed by what its columns' `info` and types ask for."""
        extra: list[ForeignKeyConstraint | Index | CheckConstraint] = []
        for column in (part for part in parts if isinstance(part, Column)):
            target = column.info.get("tenant_fk")
            if target:
                here, there = ["tenant_id", column.name], [f"{target}.tenant_id", f"{target}.id"]
                how = {"name": f"fk_{name}_{column.name}", "use_alter": column.info["late"]}
                extra.append(ForeignKeyConstraint(here, there, ondelete="RESTRICT", **how))
                extra.append(Index(f"ix_{name}_{column.name}", "tenant_id", column.name))
            if isinstance(column.type, Choice):
                members = ", ".join(f"'{member.value}'" for member in column.type.kind)
                extra.append(CheckConstraint(f"{column.name} IN ({members})", name=column.name))
        return Table(name, metadata, *parts, *extra, **options)


class TenantOwned:
    """A table whose rows belong to one tenant: primary key (tenant_id, id), every lookup inside the tenant."""

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, sort_order=-100)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id, sort_order=-99)


class InstallationOwned:
    """A table of the installation: ids, states and hashes only; listed in `kernel/tenancy.py`."""


class Tracked(TenantOwned):
    """A mutable record: a version for optimistic concurrency, and who made and changed it when."""

    version: Mapped[int] = mapped_column(default=None, sort_order=90)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, sort_order=91)
    created_by: Mapped[UUID | None] = mapped_column(Uuid, sort_order=92)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, sort_order=93)
    updated_by: Mapped[UUID | None] = mapped_column(Uuid, sort_order=94)

    @declared_attr.directive
    def __mapper_args__(cls) -> Mapping[str, Any]:  # noqa: N805
        """Let the mapper raise when a row changed between read and write."""
        return {"version_id_col": cls.version}


class Trashable:
    """A record that can be restored; `deleted_key` frees its unique values (MariaDB has no partial index)."""

    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=95)
    deleted_key: Mapped[UUID] = mapped_column(Uuid, default=NOBODY, sort_order=96, info={"audit": "omit"})


def tenant_fk(target: str, *, nullable: bool = False, late: bool = False) -> MappedColumn[Any]:
    """Return a column that points at a row of the same tenant: a composite foreign key, RESTRICT, with its index.

    Of two tables that point at each other one does so `late`: its key is made when both are there.
    """
    return mapped_column(Uuid, nullable=nullable, info={"tenant_fk": target, "late": late})


def to_one(owner: str, column: str, target: str) -> Relationship[Any]:
    """Return the relation from `owner.column` to the target; only the id is written, loading is explicit."""
    join = f"and_({owner}.tenant_id == remote({target}.tenant_id), foreign({owner}.{column}) == remote({target}.id))"
    return relationship(target, primaryjoin=join, lazy="raise")


def to_many(owner: str, target: str, column: str) -> Relationship[Any]:
    """Return the rows of the target whose `column` names the owner; for reading only."""
    join = f"and_({owner}.tenant_id == remote({target}.tenant_id), {owner}.id == remote(foreign({target}.{column})))"
    return relationship(target, primaryjoin=join, lazy="raise", viewonly=True, uselist=True)


Sensitivity = Literal["secret", "omit"]
SECRET: dict[str, Any] = {"audit": "secret"}  # never leaves the row, not even into the trail
UNTRACKED: dict[str, Any] = {"audit": "untracked"}  # may change without an entry
