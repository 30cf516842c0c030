"""An index by which a claim goes from one kind of job to the next, past whatever waits in each."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LANE = ["state", "priority", "tenant_id", "name", "run_at", "id"]


def upgrade() -> None:
    waits = sa.text("state = 'ready'")
    op.create_index("ix_job_lane", "job", LANE, postgresql_where=waits, sqlite_where=waits)
    op.drop_index("ix_job_claim", "job")
    op.create_index("ix_job_claim", "job", ["state", "priority", "run_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_job_claim", "job")
    op.create_index("ix_job_claim", "job", ["state", "priority", "run_at", "id", "tenant_id", "name"])
    op.drop_index("ix_job_lane", "job")
