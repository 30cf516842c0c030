"""Branches and departments, people placed in them, and what was deleted together."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PLACES = {"branch": "branch_id", "department": "department_id"}


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        indexes = _set_aside()
        op.create_table("person", *_person(placed=True))
    op.add_column("company", sa.Column("deleted_with", sa.Uuid(), nullable=True))
    op.create_table(
        "branch",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("code", db.Str(32), nullable=False),
        sa.Column("code_key", db.Str(64), nullable=False),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("name_key", db.Str(400), nullable=False),
        sa.Column("kind", db.Str(20), nullable=False),
        sa.Column("address_line_1", db.Str(200), nullable=True),
        sa.Column("address_line_2", db.Str(200), nullable=True),
        sa.Column("city", db.Str(100), nullable=True),
        sa.Column("country", db.Str(2), nullable=True),
        sa.Column("time_zone", db.Str(64), nullable=True),
        sa.Column("phone", db.Str(40), nullable=True),
        sa.Column("status", db.Str(20), nullable=False),
        *_bookkeeping(),
        sa.CheckConstraint(
            "kind IN ('office', 'store', 'warehouse', 'plant', 'hospital', 'other')", name=op.f("ck_branch_kind")
        ),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_branch_status")),
        _reference("branch", "company_id", "company"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "company_id", "code_key", "deleted_key", name="uq_branch_code"),
    )
    op.create_index("ix_branch_company_id", "branch", ["tenant_id", "company_id"])
    op.create_index("ix_branch_name", "branch", ["tenant_id", "name_key", "id"])
    op.create_table(
        "department",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("head_person_id", sa.Uuid(), nullable=True),
        sa.Column("code", db.Str(32), nullable=False),
        sa.Column("code_key", db.Str(64), nullable=False),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("name_key", db.Str(400), nullable=False),
        *_bookkeeping(),
        _reference("department", "company_id", "company"),
        _reference("department", "branch_id", "branch"),
        _reference("department", "parent_id", "department"),
        _reference("department", "head_person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "company_id", "code_key", "deleted_key", name="uq_department_code"),
    )
    for column in ("company_id", "branch_id", "parent_id", "head_person_id"):
        op.create_index(f"ix_department_{column}", "department", ["tenant_id", column])
    op.create_index("ix_department_name", "department", ["tenant_id", "name_key", "id"])
    if sqlite:
        _bring_back(indexes)
    else:
        for column in (*PLACES.values(), "deleted_with"):
            op.add_column("person", sa.Column(column, sa.Uuid(), nullable=True))
    for table, column in PLACES.items():
        # The index first: MariaDB would make one of its own for the key.
        op.create_index(f"ix_person_{column}", "person", ["tenant_id", column])
        if not sqlite:
            key = ["tenant_id", "id"]
            op.create_foreign_key(
                f"fk_person_{column}", "person", table, ["tenant_id", column], key, ondelete="RESTRICT"
            )


def downgrade() -> None:
    op.execute("UPDATE department SET head_person_id = NULL, parent_id = NULL")
    if op.get_bind().dialect.name == "sqlite":
        indexes = _set_aside()
        op.create_table("person", *_person(placed=False))
        _bring_back(indexes)
    else:
        for column in PLACES.values():
            op.drop_constraint(f"fk_person_{column}", "person", type_="foreignkey")
            op.drop_index(f"ix_person_{column}", "person")
        for column in (*PLACES.values(), "deleted_with"):
            op.drop_column("person", column)
    op.drop_table("department")
    op.drop_table("branch")
    op.drop_column("company", "deleted_with")


def _bookkeeping() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.Column("deleted_with", sa.Uuid(), nullable=True),
    ]


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_{column}",
        ondelete="RESTRICT",
    )


def _person(*, placed: bool) -> list[sa.schema.SchemaItem]:
    """Return the whole table of people, with or without the places, for SQLite."""
    places = PLACES if placed else {}
    return [
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", db.Str(32), nullable=False),
        sa.Column("number_key", db.Str(64), nullable=False),
        sa.Column("given_name", db.Str(100), nullable=False),
        sa.Column("family_name", db.Str(100), nullable=False),
        sa.Column("name_key", db.Str(420), nullable=False),
        sa.Column("email", db.Str(254), nullable=True),
        sa.Column("email_key", db.Str(254), nullable=True),
        sa.Column("phone", db.Str(40), nullable=True),
        sa.Column("job_title", db.Str(120), nullable=True),
        sa.Column("department", db.Str(120), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        *(sa.Column(column, sa.Uuid(), nullable=True) for column in places.values()),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("status", db.Str(20), nullable=False),
        *(column for column in _bookkeeping() if placed or column.name != "deleted_with"),
        sa.CheckConstraint("status IN ('active', 'left')", name=op.f("ck_person_status")),
        _reference("person", "company_id", "company"),
        *(_reference("person", column, table) for table, column in places.items()),
        _reference("person", "manager_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "number_key", "deleted_key", name="uq_person_number"),
    ]


# SQLite cannot add a key of two columns to a table, so the table is made again. Not by Alembic's batch, which drops it
# while its rows still point at each other. Whoever points at a table follows it when it is renamed: what shall point at
# the new one is made in between.


def _set_aside() -> list[tuple[str, list[str]]]:
    """Rename the table of people on SQLite and return its indexes, whose names are free now."""
    found = sa.inspect(op.get_bind()).get_indexes("person")
    indexes = [(str(index["name"]), [str(column) for column in index["column_names"]]) for index in found]
    for name, _ in indexes:
        op.drop_index(name, "person")
    op.rename_table("person", "person_before")
    return indexes


def _bring_back(indexes: list[tuple[str, list[str]]]) -> None:
    """Copy the people that were set aside into their new table, and give it the indexes."""
    inspector = sa.inspect(op.get_bind())
    old, new = ([column["name"] for column in inspector.get_columns(name)] for name in ("person_before", "person"))
    kept = ", ".join(name for name in new if name in old)
    op.execute(f"INSERT INTO person ({kept}) SELECT {kept} FROM person_before")  # noqa: S608  names of our own
    op.execute("UPDATE person_before SET manager_id = NULL")  # else nobody could go before those they lead
    op.drop_table("person_before")
    for name, columns in indexes:
        if set(columns) <= set(new):
            op.create_index(name, "person", columns)
