"""Room of an organisation's own, and where a text is from."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db
from holdfast.migrations.rows import all_rows

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATES = ("pending", "layer", "recognised", "no_text_layer", "none", "failed")


def upgrade() -> None:
    op.add_column("file_space", sa.Column("quota_mb", sa.Integer(), nullable=True))
    op.add_column("stored_object", sa.Column("text_state", db.Str(20), nullable=True))
    with all_rows("stored_object"):
        op.execute(
            "UPDATE stored_object SET text_state = CASE WHEN has_text THEN 'layer' "
            "WHEN derived IN ('pending', 'failed') THEN derived "
            "WHEN media_type IN ('application/pdf', 'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/tiff', "
            "'image/bmp') THEN 'no_text_layer' ELSE 'none' END"
        )
    with op.batch_alter_table("stored_object") as batch:
        batch.alter_column("text_state", existing_type=db.Str(20), nullable=False)
        batch.create_check_constraint(
            "ck_stored_object_text_state", "text_state IN (" + ", ".join(f"'{state}'" for state in STATES) + ")"
        )


def downgrade() -> None:
    with op.batch_alter_table("stored_object") as batch:
        batch.drop_constraint("ck_stored_object_text_state", type_="check")
        batch.drop_column("text_state")
    op.drop_column("file_space", "quota_mb")
