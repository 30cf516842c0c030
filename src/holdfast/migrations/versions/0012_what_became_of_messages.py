"""What became of each message to a user."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db
from holdfast.migrations.rows import all_rows

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATES = ("waiting", "sending", "sent", "failed", "uncertain")


def upgrade() -> None:
    op.add_column("notice", sa.Column("state", db.Str(20), nullable=True))
    op.add_column("notice", sa.Column("attempts", sa.Integer(), nullable=True))
    op.add_column("notice", sa.Column("due_at", db.UtcDateTime(), nullable=True))
    op.add_column("notice", sa.Column("taken_at", db.UtcDateTime(), nullable=True))
    op.add_column("notice", sa.Column("code", sa.Integer(), nullable=True))
    op.add_column("notice", sa.Column("said", db.Str(500), nullable=True))
    with all_rows("notice"):
        op.execute(
            "UPDATE notice SET state = CASE WHEN sent_at IS NULL THEN 'waiting' ELSE 'sent' END, attempts = 0, "
            "due_at = created_at, code = 0, said = ''"
        )
    with op.batch_alter_table("notice") as batch:
        batch.alter_column("state", existing_type=db.Str(20), nullable=False)
        batch.alter_column("attempts", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("due_at", existing_type=db.UtcDateTime(), nullable=False)
        batch.alter_column("code", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("said", existing_type=db.Str(500), nullable=False)
        batch.alter_column("payload", existing_type=db.Bytes(4096), nullable=True)
        batch.create_check_constraint(
            "ck_notice_state", "state IN (" + ", ".join(f"'{state}'" for state in STATES) + ")"
        )
        batch.drop_index("ix_notice_unsent")
        batch.create_index("ix_notice_due", ["tenant_id", "state", "due_at"])


def downgrade() -> None:
    with all_rows("notice"):
        op.execute("DELETE FROM notice WHERE payload IS NULL")
    with op.batch_alter_table("notice") as batch:
        batch.drop_index("ix_notice_due")
        batch.create_index("ix_notice_unsent", ["tenant_id", "sent_at", "id"])
        batch.drop_constraint("ck_notice_state", type_="check")
        batch.alter_column("payload", existing_type=db.Bytes(4096), nullable=False)
        for name in ("said", "code", "taken_at", "due_at", "attempts", "state"):
            batch.drop_column(name)
