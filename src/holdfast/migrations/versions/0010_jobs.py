"""Jobs, what went wrong in their attempts, and schedules."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    states = "state IN ('ready', 'running', 'done', 'failed', 'cancelled')"
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", db.Str(100), nullable=False),
        sa.Column("ids", db.CanonicalJson(), nullable=False),
        sa.Column("state", db.Str(20), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("run_at", db.UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("unique_key", db.Bytes(32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", db.UtcDateTime(), nullable=True),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=True),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("started_at", db.UtcDateTime(), nullable=True),
        sa.Column("finished_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint(states, name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_job_claim", "job", ["state", "priority", "run_at", "id", "tenant_id", "name"])
    op.create_index("ix_job_listed", "job", ["tenant_id", "created_at", "id"])
    op.create_index("ux_job_unique", "job", ["tenant_id", "unique_key"], unique=True)
    op.create_table(
        "job_attempt",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", db.Str(20), nullable=False),
        sa.Column("error", db.Str(100), nullable=False),
        sa.Column("message", db.Str(1000), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_job_attempt_job_id", "job_attempt", ["tenant_id", "job_id", "id"])
    op.create_table(
        "schedule",
        sa.Column("name", db.Str(100), nullable=False),
        sa.Column("spec", db.Str(200), nullable=False),
        sa.Column("next_at", db.UtcDateTime(), nullable=True),
        sa.Column("last_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute("INSERT INTO schedule (name, spec) VALUES ('jobs.gate', '')")


def downgrade() -> None:
    op.drop_table("schedule")
    op.drop_table("job_attempt")
    op.drop_table("job")
