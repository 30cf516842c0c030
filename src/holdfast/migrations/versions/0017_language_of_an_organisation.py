"""The language of an organisation's messages to whoever chose none."""

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organization", sa.Column("locale", db.Str(35), nullable=True))


def downgrade() -> None:
    op.drop_column("organization", "locale")
