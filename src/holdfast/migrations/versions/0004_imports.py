"""Imports of people that were done, and what they did to each person."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", db.Str(255), nullable=False),
        sa.Column("sha256", db.Str(64), nullable=False),
        sa.Column("mode", db.Str(20), nullable=False),
        sa.Column("match_by", db.Str(20), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("created_count", sa.Integer(), nullable=False),
        sa.Column("updated_count", sa.Integer(), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), nullable=False),
        sa.Column("undone_at", db.UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("mode IN ('insert', 'upsert', 'update')", name=op.f("ck_import_run_mode")),
        sa.CheckConstraint("match_by IN ('number', 'email')", name=op.f("ck_import_run_match_by")),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_import_run_created", "import_run", ["tenant_id", "created_at", "id"])
    op.create_table(
        "import_change",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", db.Str(20), nullable=False),
        sa.Column("person_version", sa.Integer(), nullable=False),
        sa.Column("prior", db.CanonicalJson(), nullable=True),
        sa.CheckConstraint("kind IN ('created', 'updated')", name=op.f("ck_import_change_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["import_run.tenant_id", "import_run.id"],
            name="fk_import_change_run_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_import_change_run_id", "import_change", ["tenant_id", "run_id"])
    op.create_index("ix_import_change_person", "import_change", ["tenant_id", "person_id"])


def downgrade() -> None:
    op.drop_table("import_change")
    op.drop_table("import_run")
