"""Roles within a group; and nobody comes in after their last day."""

import sqlalchemy as sa
from alembic import op

from holdfast.migrations.functions import AUTHENTICATE_2, AUTHENTICATE_3, replace_authenticate
from holdfast.migrations.rows import all_rows

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = ["tenant_id", "group_id"]


def upgrade() -> None:
    op.add_column("role_assignment", sa.Column("group_id", sa.Uuid(), nullable=True))
    op.create_index("ix_role_assignment_group_id", "role_assignment", KEY)
    with op.batch_alter_table("role_assignment") as batch:
        batch.create_foreign_key(
            "fk_role_assignment_group_id", "person_group", KEY, ["tenant_id", "id"], ondelete="RESTRICT"
        )
    replace_authenticate(AUTHENTICATE_3)


def downgrade() -> None:
    replace_authenticate(AUTHENTICATE_2)
    with all_rows("role_assignment"):
        op.execute("DELETE FROM role_assignment WHERE group_id IS NOT NULL")
    with op.batch_alter_table("role_assignment") as batch:
        batch.drop_constraint("fk_role_assignment_group_id", type_="foreignkey")
        batch.drop_index("ix_role_assignment_group_id")
        batch.drop_column("group_id")
