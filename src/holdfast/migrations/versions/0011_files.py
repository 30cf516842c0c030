"""Files, their versions, contents, uploads and links."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_space",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_table(
        "stored_object",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", db.Str(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", db.Str(127), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("scan", db.Str(20), nullable=False),
        sa.Column("finding", db.Str(200), nullable=True),
        sa.Column("scanned_at", db.UtcDateTime(), nullable=True),
        sa.Column("derived", db.Str(20), nullable=False),
        sa.Column("has_thumbnail", sa.Boolean(), nullable=False),
        sa.Column("has_text", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "derived IN ('pending', 'done', 'nothing', 'failed')", name=op.f("ck_stored_object_derived")
        ),
        sa.CheckConstraint("scan IN ('clean', 'infected', 'not_scanned')", name=op.f("ck_stored_object_scan")),
        sa.UniqueConstraint("tenant_id", "sha256", name="uq_stored_object_sha256"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_stored_object_derived", "stored_object", ["tenant_id", "derived", "id"])
    op.create_index("ix_stored_object_scan", "stored_object", ["tenant_id", "scan", "id"])
    op.create_table(
        "file",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", db.Str(255), nullable=False),
        sa.Column("name_key", db.Str(510), nullable=False),
        sa.Column("rule", db.Str(100), nullable=False),
        sa.Column("owner_kind", db.Str(63), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("media_type", db.Str(127), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "object_id"],
            ["stored_object.tenant_id", "stored_object.id"],
            name="fk_file_object_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_file_created", "file", ["tenant_id", "created_at", "id"])
    op.create_index("ix_file_name", "file", ["tenant_id", "name_key", "id"])
    op.create_index("ix_file_object_id", "file", ["tenant_id", "object_id"])
    op.create_index("ix_file_owner", "file", ["tenant_id", "owner_kind", "owner_id"])
    op.create_table(
        "file_version",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", db.Str(255), nullable=False),
        sa.Column("media_type", db.Str(127), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["file.tenant_id", "file.id"],
            name="fk_file_version_file_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "object_id"],
            ["stored_object.tenant_id", "stored_object.id"],
            name="fk_file_version_object_id",
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("tenant_id", "file_id", "number", name="uq_file_version_number"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_file_version_file_id", "file_version", ["tenant_id", "file_id"])
    op.create_index("ix_file_version_object_id", "file_version", ["tenant_id", "object_id"])
    op.create_table(
        "file_upload",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", db.Str(255), nullable=False),
        sa.Column("rule", db.Str(100), nullable=False),
        sa.Column("owner_kind", db.Str(63), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "replaces_id"],
            ["file.tenant_id", "file.id"],
            name="fk_file_upload_replaces_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_file_upload_expires", "file_upload", ["tenant_id", "expires_at"])
    op.create_index("ix_file_upload_replaces_id", "file_upload", ["tenant_id", "replaces_id"])
    op.create_table(
        "file_upload_piece",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "upload_id"],
            ["file_upload.tenant_id", "file_upload.id"],
            name="fk_file_upload_piece_upload_id",
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("tenant_id", "upload_id", "begins", name="uq_file_upload_piece_begins"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_file_upload_piece_upload_id", "file_upload_piece", ["tenant_id", "upload_id"])
    op.create_table(
        "file_link",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["file.tenant_id", "file.id"],
            name="fk_file_link_file_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_file_link_created", "file_link", ["tenant_id", "created_at", "id"])
    op.create_index("ix_file_link_file_id", "file_link", ["tenant_id", "file_id"])


def downgrade() -> None:
    op.drop_table("file_link")
    op.drop_table("file_upload_piece")
    op.drop_table("file_upload")
    op.drop_table("file_version")
    op.drop_table("file")
    op.drop_table("stored_object")
    op.drop_table("file_space")
