"""Messages of every app: the inbox, what people chose, the organisations' own texts, audiences."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from holdfast.kernel import db
from holdfast.migrations.rows import all_rows

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEFORE = ("waiting", "sending", "sent", "failed", "uncertain")
STATES = ("waiting", "held", "sending", "sent", "merged", "off", "failed", "uncertain")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column("notice", sa.Column("key", db.Str(200), nullable=True))
    op.add_column("notice", sa.Column("inbox", sa.Boolean(), nullable=True))
    op.add_column("notice", sa.Column("read_at", db.UtcDateTime(), nullable=True))
    op.add_column("notice", sa.Column("digest_id", sa.Uuid(), nullable=True))
    op.add_column("notice", sa.Column("message", db.Str(100), nullable=True))
    with all_rows("notice"):
        op.execute(sa.text("UPDATE notice SET inbox = :no").bindparams(sa.bindparam("no", False, sa.Boolean())))
        op.execute(_renamed("message", "identity.", sa.column("template", db.Str(63))))
    with op.batch_alter_table("notice") as batch:
        batch.alter_column("inbox", existing_type=sa.Boolean(), nullable=False)
        batch.alter_column("message", existing_type=db.Str(100), nullable=False)
        batch.drop_column("template")
        batch.drop_constraint("ck_notice_state", type_="check")
        batch.create_check_constraint("ck_notice_state", _among(STATES))
        batch.create_unique_constraint("uq_notice_key", ["tenant_id", "user_id", "key"])
        batch.create_index("ix_notice_inbox", ["tenant_id", "user_id", "inbox", "created_at", "id"])
        batch.create_index("ix_notice_unread", ["tenant_id", "user_id", "inbox", "read_at"])
    op.create_table(
        "notify_preference",
        *_tracked(),
        sa.Column("channels", db.CanonicalJson(), nullable=False),
        sa.Column("digest", db.Str(20), nullable=False),
        sa.Column("digest_hour", sa.Integer(), nullable=False),
        sa.Column("quiet_from", db.Str(5), nullable=True),
        sa.Column("quiet_until", db.Str(5), nullable=True),
        sa.CheckConstraint("digest IN ('off', 'daily', 'weekly')", name=op.f("ck_notify_preference_digest")),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_table(
        "message_template",
        *_tracked(),
        sa.Column("message", db.Str(100), nullable=False),
        sa.Column("locale", db.Str(35), nullable=False),
        sa.Column("subject", db.Str(200), nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("html", LONG_TEXT, nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("tenant_id", "message", "locale", name="uq_message_template_message"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_table(
        "announcement",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message", db.Str(100), nullable=False),
        sa.Column("key", db.Str(200), nullable=False),
        sa.Column("audience", db.CanonicalJson(), nullable=False),
        sa.Column("payload", db.Bytes(4096), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("told_until", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )


def downgrade() -> None:
    op.drop_table("announcement")
    op.drop_table("message_template")
    op.drop_table("notify_preference")
    op.add_column("notice", sa.Column("template", db.Str(63), nullable=True))
    with all_rows("notice"):
        message, state = sa.column("message", db.Str(100)), sa.column("state", db.Str(20))
        # What an older version has no words for.
        op.execute(sa.delete(sa.table("notice")).where(message.not_like("identity.%")))
        op.execute(sa.delete(sa.table("notice")).where(state.not_in(BEFORE)))
        op.execute(_notice("template").update().values(template=sa.func.substr(message, len("identity.") + 1)))
    with op.batch_alter_table("notice") as batch:
        batch.alter_column("template", existing_type=db.Str(63), nullable=False)
        batch.drop_index("ix_notice_unread")
        batch.drop_index("ix_notice_inbox")
        batch.drop_constraint("uq_notice_key", type_="unique")
        batch.drop_constraint("ck_notice_state", type_="check")
        batch.create_check_constraint("ck_notice_state", _among(BEFORE))
        for name in ("message", "digest_id", "read_at", "inbox", "key"):
            batch.drop_column(name)


def _notice(column: str) -> sa.TableClause:
    return sa.table("notice", sa.column(column, db.Str(100)))


def _renamed(column: str, before: str, old: sa.ColumnElement[str]) -> sa.Update:
    return _notice(column).update().values({column: sa.literal(before, db.Str(100)).concat(old)})


def _among(states: tuple[str, ...]) -> str:
    return "state IN (" + ", ".join(f"'{state}'" for state in states) + ")"


def _tracked() -> list[sa.Column[Any]]:
    return [
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
    ]
