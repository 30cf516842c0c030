"""Addresses that are not written to, and what came back of messages."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db
from holdfast.migrations.rows import all_rows

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BEFORE = ("waiting", "held", "sending", "sent", "merged", "off", "failed", "uncertain")
AFTER = (*BEFORE, "suppressed", "bounced", "complained")


def upgrade() -> None:
    op.create_table(
        "mail_suppression",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_key", db.Bytes(32), nullable=False),
        sa.Column("address", db.Bytes(320), nullable=False),
        sa.Column("reason", db.Str(20), nullable=False),
        sa.Column("said", db.Str(500), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("reason IN ('bounced', 'complained', 'manual')", name=op.f("ck_mail_suppression_reason")),
        sa.UniqueConstraint("tenant_id", "address_key", name="uq_mail_suppression_address"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_mail_suppression_created", "mail_suppression", ["tenant_id", "created_at", "id"])
    op.add_column("notice", sa.Column("to_key", db.Bytes(32), nullable=True))
    _states(AFTER)


def downgrade() -> None:
    with all_rows("notice"):
        op.execute("UPDATE notice SET state = 'failed' WHERE state IN ('suppressed', 'bounced', 'complained')")
    _states(BEFORE)
    with op.batch_alter_table("notice") as batch:
        batch.drop_column("to_key")
    op.drop_index("ix_mail_suppression_created", "mail_suppression")
    op.drop_table("mail_suppression")


def _states(allowed: tuple[str, ...]) -> None:
    with op.batch_alter_table("notice") as batch:
        batch.drop_constraint("ck_notice_state", type_="check")
        batch.create_check_constraint(
            "ck_notice_state", "state IN (" + ", ".join(f"'{state}'" for state in allowed) + ")"
        )
