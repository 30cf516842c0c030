"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from holdfast.kernel import db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Binds the transaction to the credential's tenant, which row-level security follows, and reads the session's row: one
# round trip. The tenant it is given is an address: without a good row in it the caller gets nothing.
AUTHENTICATE = """
CREATE FUNCTION holdfast_authenticate(p_tenant uuid, p_session uuid, p_now timestamptz)
RETURNS TABLE (secret_hash bytea, kind text, user_id uuid, email text, username text, name text, slug text,
               organization text, roles text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('holdfast.tenant', p_tenant::text, true);
  RETURN QUERY
    SELECT s.secret_hash, s.kind::text, u.id, u.email::text, u.username::text, u.name::text, t.slug::text, o.name::text,
           (SELECT string_agg(r.role, ',' ORDER BY r.role) FROM role_assignment r
            WHERE r.tenant_id = s.tenant_id AND r.user_id = s.user_id)
    FROM session s
    JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    JOIN tenant t ON t.id = s.tenant_id
    JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
    WHERE s.tenant_id = p_tenant AND s.id = p_session AND s.revoked_at IS NULL
      AND s.expires_at > p_now AND s.idle_expires_at > p_now
      AND u.status = 'active' AND u.deleted_at IS NULL AND t.status = 'active';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("log_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", db.UtcDateTime(), nullable=False),
        sa.Column("occurred_at", db.UtcDateTime(), nullable=False),
        sa.Column("category", db.Str(20), nullable=False),
        sa.Column("severity", db.Str(20), nullable=False),
        sa.Column("action", db.Str(100), nullable=False),
        sa.Column("outcome", db.Str(20), nullable=False),
        sa.Column("actor_type", db.Str(20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("on_behalf_of", sa.Uuid(), nullable=True),
        sa.Column("entity_type", db.Str(63), nullable=True),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.Column("entity_version", sa.Integer(), nullable=True),
        sa.Column("request_id", db.Str(64), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("writer_epoch", sa.Uuid(), nullable=False),
        sa.Column("writer_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "core",
            sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mariadb").with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
        ),
        sa.Column("leaf_hash", db.Bytes(32), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        info={"insert_only": True},
    )
    op.create_index("ix_audit_entry_action", "audit_entry", ["tenant_id", "action", "id"], unique=False)
    op.create_index("ix_audit_entry_actor", "audit_entry", ["tenant_id", "actor_id", "id"], unique=False)
    op.create_index(
        "ix_audit_entry_entity", "audit_entry", ["tenant_id", "entity_type", "entity_id", "id"], unique=False
    )
    op.create_index("ix_audit_entry_recorded", "audit_entry", ["tenant_id", "recorded_at", "id"], unique=False)
    op.create_index("ix_audit_entry_request", "audit_entry", ["tenant_id", "request_id"], unique=False)
    op.create_table(
        "audit_part",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("part", db.Str(20), nullable=False),
        sa.Column("lookup", db.Str(64), nullable=True),
        sa.Column("salt", db.Bytes(16), nullable=True),
        sa.Column(
            "data",
            sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mariadb").with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=True,
        ),
        sa.Column("redacted_at", db.UtcDateTime(), nullable=True),
        sa.Column("redaction_entry_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", "part"),
        info={"insert_only": True},
    )
    op.create_index("ix_audit_part_lookup", "audit_part", ["tenant_id", "lookup", "id"], unique=False)
    op.create_table(
        "company",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", db.Str(32), nullable=False),
        sa.Column("code_key", db.Str(64), nullable=False),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("name_key", db.Str(400), nullable=False),
        sa.Column("legal_name", db.Str(200), nullable=True),
        sa.Column("registration_number", db.Str(50), nullable=True),
        sa.Column("country", db.Str(2), nullable=True),
        sa.Column("city", db.Str(100), nullable=True),
        sa.Column("status", db.Str(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_company_status")),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "code_key", "deleted_key", name="uq_company_code"),
    )
    op.create_index("ix_company_created", "company", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("ix_company_name", "company", ["tenant_id", "name_key", "id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_hash", db.Bytes(32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", db.CanonicalJson(), nullable=True),
        sa.Column(
            "body",
            sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mariadb").with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
        ),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "ledger_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("origin", db.Str(200), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", db.Bytes(32), nullable=True),
        sa.Column("min_index", sa.BigInteger(), nullable=False),
        sa.Column("state", db.Str(20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_log_origin")),
    )
    op.create_table(
        "ledger_queue",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("log_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", db.Bytes(32), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "organization",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("legal_name", db.Str(200), nullable=True),
        sa.Column("industry", db.Str(100), nullable=True),
        sa.Column("country", db.Str(2), nullable=True),
        sa.Column("time_zone", db.Str(64), nullable=False),
        sa.Column("website", db.Str(300), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_table(
        "refusal_count",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("same", db.Bytes(32), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ux_refusal_count_same", "refusal_count", ["tenant_id", "same"], unique=True)
    op.create_table(
        "setup_link",
        sa.Column("secret_hash", db.Bytes(32), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash"),
    )
    op.create_table(
        "sign_in_name",
        sa.Column("name_hash", db.Bytes(32), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", "tenant_id"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", db.Str(63), nullable=False),
        sa.Column("status", db.Str(20), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_slug")),
    )
    op.create_table(
        "throttle",
        sa.Column(
            "bucket",
            sa.LargeBinary(length=32)
            .with_variant(sa.BINARY(length=32), "mariadb")
            .with_variant(sa.BINARY(length=32), "mysql"),
            nullable=False,
        ),
        sa.Column("tat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket"),
    )
    op.create_index("ix_throttle_tat", "throttle", ["tat"], unique=False)
    op.create_table(
        "user_account",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", db.Str(254), nullable=False),
        sa.Column("email_key", db.Str(254), nullable=False),
        sa.Column("username", db.Str(64), nullable=True),
        sa.Column("username_key", db.Str(64), nullable=True),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("status", db.Str(20), nullable=False),
        sa.Column("status_reason", db.Str(500), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'locked')", name=op.f("ck_user_account_status")),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "email_key", "deleted_key", name="uq_user_account_email"),
        sa.UniqueConstraint("tenant_id", "username_key", "deleted_key", name="uq_user_account_username"),
    )
    op.create_table(
        "user_password",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", db.Str(255), nullable=False),
        sa.Column("changed_at", db.UtcDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_table(
        "person",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", db.Str(32), nullable=False),
        sa.Column("number_key", db.Str(64), nullable=False),
        sa.Column("given_name", db.Str(100), nullable=False),
        sa.Column("family_name", db.Str(100), nullable=False),
        sa.Column("name_key", db.Str(420), nullable=False),
        sa.Column("email", db.Str(254), nullable=True),
        sa.Column("email_key", db.Str(254), nullable=True),
        sa.Column("phone", db.Str(40), nullable=True),
        sa.Column("job_title", db.Str(120), nullable=True),
        sa.Column("department", db.Str(120), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("status", db.Str(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'left')", name=op.f("ck_person_status")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "company_id"],
            ["company.tenant_id", "company.id"],
            name="fk_person_company_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "manager_id"],
            ["person.tenant_id", "person.id"],
            name="fk_person_manager_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "number_key", "deleted_key", name="uq_person_number"),
    )
    op.create_index("ix_person_company_id", "person", ["tenant_id", "company_id"], unique=False)
    op.create_index("ix_person_email", "person", ["tenant_id", "email_key"], unique=False)
    op.create_index("ix_person_manager_id", "person", ["tenant_id", "manager_id"], unique=False)
    op.create_index("ix_person_name", "person", ["tenant_id", "name_key", "id"], unique=False)
    op.create_table(
        "role_assignment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", db.Str(63), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name="fk_role_assignment_user_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "user_id", "role", name="uq_role_assignment_role"),
    )
    op.create_index("ix_role_assignment_user_id", "role_assignment", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", db.Str(20), nullable=False),
        sa.Column("secret_hash", db.Bytes(32), nullable=False),
        sa.Column("signed_in_at", db.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", db.UtcDateTime(), nullable=False),
        sa.Column("idle_expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", db.UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", db.Str(63), nullable=True),
        sa.Column("ip", db.Str(45), nullable=True),
        sa.Column("user_agent", db.Str(300), nullable=True),
        sa.CheckConstraint("kind IN ('cookie', 'token')", name=op.f("ck_session_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name="fk_session_user_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_session_user_id", "session", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", db.Bytes(32), nullable=False),
        sa.Column("issued_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["session.tenant_id", "session.id"],
            name="fk_refresh_token_session_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["tenant_id", "session_id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(AUTHENTICATE)


def downgrade() -> None:
    op.drop_table("refresh_token")
    op.drop_table("session")
    op.drop_table("role_assignment")
    op.drop_table("person")
    op.drop_table("user_password")
    op.drop_table("user_account")
    op.drop_table("throttle")
    op.drop_table("tenant")
    op.drop_table("sign_in_name")
    op.drop_table("setup_link")
    op.drop_table("refusal_count")
    op.drop_table("organization")
    op.drop_table("ledger_queue")
    op.drop_table("ledger_log")
    op.drop_table("idempotency_key")
    op.drop_table("company")
    op.drop_table("audit_part")
    op.drop_table("audit_entry")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS holdfast_authenticate(uuid, uuid, timestamptz)")
        op.execute("DROP FUNCTION IF EXISTS holdfast_refuse()")
