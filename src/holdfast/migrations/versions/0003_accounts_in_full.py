"""Accounts in full: roles of one's own, scopes, second factors, API keys, one-time links, policies, emergency access."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db
from holdfast.migrations.functions import AUTHENTICATE_1, AUTHENTICATE_2, replace_authenticate
from holdfast.migrations.rows import all_rows

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("delete_after", db.UtcDateTime(), nullable=True))
    _users()
    op.create_table(
        "role",
        *_key(),
        sa.Column("name", db.Str(63), nullable=False),
        sa.Column("name_key", db.Str(126), nullable=False),
        sa.Column("description", db.Str(500), nullable=True),
        sa.Column("permissions", db.CanonicalJson(), nullable=False),
        *_bookkeeping(),
        *_trash(),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "name_key", "deleted_key", name="uq_role_name"),
    )
    _assignments()
    _sessions()
    for name, columns in _TABLES.items():
        op.create_table(name, *_key(), *columns(), sa.PrimaryKeyConstraint("tenant_id", "id"))
    for table, column in (
        ("user_preference", "user_id"),
        ("recovery_code", "user_id"),
        ("sign_in_challenge", "user_id"),
        ("user_token", "user_id"),
        ("notice", "user_id"),
        ("break_glass", "operator_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column])
    op.create_index("ix_notice_unsent", "notice", ["tenant_id", "sent_at", "id"])
    replace_authenticate(AUTHENTICATE_2)


def downgrade() -> None:
    # What the earlier version would read wrongly goes: accounts that cannot sign in yet, rights within limits.
    gone = ("user_account", "role_assignment", "session", "refresh_token")
    with all_rows(*gone):
        op.execute(
            "DELETE FROM role_assignment WHERE ends_at IS NOT NULL OR role_id IS NOT NULL OR scope_kind IS NOT NULL"
        )
        op.execute("DELETE FROM session WHERE user_id IS NULL OR kind = 'api_key' OR impersonator_id IS NOT NULL")
        op.execute("UPDATE user_account SET status = 'suspended' WHERE status = 'invited' OR kind = 'service'")
        op.execute("UPDATE user_account SET email = '', email_key = id WHERE email IS NULL")
    replace_authenticate(AUTHENTICATE_1)
    for name in reversed(_TABLES):
        op.drop_table(name)
    with op.batch_alter_table("session") as batch:
        batch.drop_constraint(op.f("ck_session_kind"), type_="check")
        for added in _added_to_sessions():
            batch.drop_column(added.name)
        batch.alter_column("user_id", existing_type=sa.Uuid(), nullable=False)
        batch.create_check_constraint(op.f("ck_session_kind"), "kind IN ('cookie', 'token')")
    with op.batch_alter_table("role_assignment") as batch:
        batch.drop_constraint(op.f("ck_role_assignment_scope_kind"), type_="check")
        # A key of its own first: MariaDB needs an index beneath the foreign key.
        for column in _PLACES:
            batch.drop_constraint(f"fk_role_assignment_{column}", type_="foreignkey")
            batch.drop_index(f"ix_role_assignment_{column}")
        batch.drop_constraint("uq_role_assignment_role", type_="unique")
        batch.create_unique_constraint("uq_role_assignment_role", ["tenant_id", "user_id", "role"])
        for name in (*_PLACES, "role_key", "scope_kind", "scope_key", "given_at", "ends_at", "ended_key"):
            batch.drop_column(name)
    op.drop_table("role")
    op.drop_column("tenant", "delete_after")
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(op.f("ck_user_account_status"), type_="check")
        batch.drop_constraint(op.f("ck_user_account_kind"), type_="check")
        batch.drop_constraint("fk_user_account_person_id", type_="foreignkey")
        batch.drop_constraint("uq_user_account_person", type_="unique")
        batch.drop_index("ix_user_account_person_id")
        batch.drop_index("ix_user_account_name")
        for name in ("name_key", "kind", "person_id", "locale", "time_zone"):
            batch.drop_column(name)
        batch.alter_column("email", existing_type=db.Str(254), nullable=False)
        batch.alter_column("email_key", existing_type=db.Str(254), nullable=False)
        batch.create_check_constraint(op.f("ck_user_account_status"), "status IN ('active', 'suspended', 'locked')")


def _users() -> None:
    op.add_column("user_account", sa.Column("name_key", db.Str(400), nullable=True))
    op.add_column("user_account", sa.Column("kind", db.Str(20), nullable=True))
    op.add_column("user_account", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.add_column("user_account", sa.Column("locale", db.Str(35), nullable=True))
    op.add_column("user_account", sa.Column("time_zone", db.Str(64), nullable=True))
    bind = op.get_bind()
    user = sa.table(
        "user_account",
        sa.column("tenant_id", sa.Uuid()),
        sa.column("id", sa.Uuid()),
        sa.column("name", db.Str(200)),
        sa.column("name_key", db.Str(400)),
        sa.column("kind", db.Str(20)),
    )
    with all_rows("user_account"):
        for tenant_id, user_id, name in bind.execute(sa.select(user.c.tenant_id, user.c.id, user.c.name)).all():
            one = (user.c.tenant_id == tenant_id) & (user.c.id == user_id)
            bind.execute(user.update().where(one).values(name_key=db.folded(name), kind="person"))
    op.create_index("ix_user_account_person_id", "user_account", ["tenant_id", "person_id"])
    with op.batch_alter_table("user_account") as batch:
        batch.alter_column("name_key", existing_type=db.Str(400), nullable=False)
        batch.alter_column("kind", existing_type=db.Str(20), nullable=False)
        # An account of a program has no address.
        batch.alter_column("email", existing_type=db.Str(254), nullable=True)
        batch.alter_column("email_key", existing_type=db.Str(254), nullable=True)
        batch.drop_constraint(op.f("ck_user_account_status"), type_="check")
        batch.create_check_constraint(
            op.f("ck_user_account_status"), "status IN ('invited', 'active', 'suspended', 'locked')"
        )
        batch.create_check_constraint(op.f("ck_user_account_kind"), "kind IN ('person', 'service')")
        batch.create_foreign_key(
            "fk_user_account_person_id", "person", ["tenant_id", "person_id"], ["tenant_id", "id"], ondelete="RESTRICT"
        )
        batch.create_unique_constraint("uq_user_account_person", ["tenant_id", "person_id", "deleted_key"])
    op.create_index("ix_user_account_name", "user_account", ["tenant_id", "name_key", "id"])


_PLACES = {"role_id": "role", "company_id": "company", "branch_id": "branch", "department_id": "department"}


def _assignments() -> None:
    for column in (
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in _PLACES),
        sa.Column("role_key", db.Str(63), nullable=True),
        sa.Column("scope_kind", db.Str(20), nullable=True),
        sa.Column("scope_key", sa.Uuid(), nullable=True),
        sa.Column("given_at", db.UtcDateTime(), nullable=True),
        sa.Column("ends_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_key", sa.Uuid(), nullable=True),
    ):
        op.add_column("role_assignment", column)
    nobody = sa.literal(UUID(int=0), sa.Uuid())
    held = sa.table(
        "role_assignment",
        sa.column("tenant_id", sa.Uuid()),
        sa.column("user_id", sa.Uuid()),
        sa.column("role", db.Str(63)),
        sa.column("role_key", db.Str(63)),
        sa.column("scope_key", sa.Uuid()),
        sa.column("ended_key", sa.Uuid()),
        sa.column("given_at", db.UtcDateTime()),
    )
    user = sa.table(
        "user_account",
        sa.column("tenant_id", sa.Uuid()),
        sa.column("id", sa.Uuid()),
        sa.column("created_at", db.UtcDateTime()),
    )
    since = (
        sa.select(user.c.created_at)
        .where(user.c.tenant_id == held.c.tenant_id, user.c.id == held.c.user_id)
        .scalar_subquery()
    )
    with all_rows("role_assignment", "user_account"):
        op.execute(held.update().values(role_key=held.c.role, scope_key=nobody, ended_key=nobody, given_at=since))
    # The indexes first: MariaDB would make one of its own for each key.
    for place in _PLACES:
        op.create_index(f"ix_role_assignment_{place}", "role_assignment", ["tenant_id", place])
    with op.batch_alter_table("role_assignment") as batch:
        for name, kind in (
            ("role_key", db.Str(63)),
            ("scope_key", sa.Uuid()),
            ("given_at", db.UtcDateTime()),
            ("ended_key", sa.Uuid()),
        ):
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.drop_constraint("uq_role_assignment_role", type_="unique")
        batch.create_unique_constraint(
            "uq_role_assignment_role", ["tenant_id", "user_id", "role_key", "scope_key", "ended_key"]
        )
        batch.create_check_constraint(
            op.f("ck_role_assignment_scope_kind"), "scope_kind IN ('company', 'branch', 'department', 'group')"
        )
        for place, target in _PLACES.items():
            batch.create_foreign_key(
                f"fk_role_assignment_{place}",
                target,
                ["tenant_id", place],
                ["tenant_id", "id"],
                ondelete="RESTRICT",
            )


def _added_to_sessions() -> list[sa.Column[object]]:
    return [
        sa.Column("verified_at", db.UtcDateTime(), nullable=True),
        sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("impersonator_id", sa.Uuid(), nullable=True),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("reason", db.Str(500), nullable=True),
        sa.Column("label", db.Str(120), nullable=True),
        sa.Column("scopes", db.CanonicalJson(), nullable=True),
        sa.Column("networks", db.CanonicalJson(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
    ]


def _sessions() -> None:
    for column in _added_to_sessions():
        op.add_column("session", column)
    with op.batch_alter_table("session") as batch:
        # Present sessions have not shown their password since they were opened; nothing is assumed of them.
        batch.alter_column("second_factor", existing_type=sa.Boolean(), server_default=None)
        batch.alter_column("user_id", existing_type=sa.Uuid(), nullable=True)
        batch.drop_constraint(op.f("ck_session_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_session_kind"), "kind IN ('cookie', 'token', 'api_key')")


def _key() -> list[sa.Column[object]]:
    return [sa.Column("tenant_id", sa.Uuid(), nullable=False), sa.Column("id", sa.Uuid(), nullable=False)]


def _bookkeeping() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
    ]


def _trash() -> list[sa.Column[object]]:
    return [
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
    ]


def _user(table: str, column: str = "user_id") -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(column, sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", column],
            ["user_account.tenant_id", "user_account.id"],
            name=f"fk_{table}_{column}",
            ondelete="RESTRICT",
        ),
    ]


def _preference() -> list[sa.schema.SchemaItem]:
    return [
        *_user("user_preference"),
        sa.Column("name", db.Str(63), nullable=False),
        sa.Column("value", db.CanonicalJson(), nullable=False),
        *_bookkeeping(),
        sa.UniqueConstraint("tenant_id", "user_id", "name", name="uq_user_preference_name"),
    ]


def _totp() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("secret", db.Bytes(255), nullable=False),
        sa.Column("confirmed_at", db.UtcDateTime(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
    ]


def _recovery_code() -> list[sa.schema.SchemaItem]:
    return [
        *_user("recovery_code"),
        sa.Column("code_hash", db.Bytes(32), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
    ]


def _challenge() -> list[sa.schema.SchemaItem]:
    return [
        *_user("sign_in_challenge"),
        sa.Column("secret_hash", db.Bytes(32), nullable=False),
        sa.Column("kind", db.Str(20), nullable=False),
        sa.Column("password_changed_at", db.UtcDateTime(), nullable=False),
        sa.Column("enrolment", db.Bytes(255), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('cookie', 'token', 'api_key')", name=op.f("ck_sign_in_challenge_kind")),
    ]


def _token() -> list[sa.schema.SchemaItem]:
    return [
        *_user("user_token"),
        sa.Column("purpose", db.Str(20), nullable=False),
        sa.Column("secret_hash", db.Bytes(32), nullable=False),
        sa.Column("email", db.Str(254), nullable=True),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("used_at", db.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('invitation', 'password_reset', 'email_change')", name=op.f("ck_user_token_purpose")
        ),
    ]


def _notice() -> list[sa.schema.SchemaItem]:
    return [
        *_user("notice"),
        sa.Column("template", db.Str(63), nullable=False),
        sa.Column("payload", db.Bytes(4096), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(), nullable=True),
    ]


def _policy() -> list[sa.schema.SchemaItem]:
    numbers = (
        "password_min_length",
        "password_min_length_with_mfa",
        "session_idle_minutes",
        "session_absolute_hours",
        "refresh_idle_days",
        "refresh_absolute_days",
    )
    return [
        *(sa.Column(name, sa.Integer(), nullable=True) for name in numbers),
        sa.Column("mfa_roles", db.CanonicalJson(), nullable=False),
        sa.Column("networks", db.CanonicalJson(), nullable=True),
        *_bookkeeping(),
    ]


def _break_glass() -> list[sa.schema.SchemaItem]:
    return [
        *_user("break_glass", "operator_id"),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("target_slug", db.Str(63), nullable=False),
        sa.Column("operator_session_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reason", db.Str(500), nullable=False),
        sa.Column("opened_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
    ]


_TABLES = {
    "user_preference": _preference,
    "user_totp": _totp,
    "recovery_code": _recovery_code,
    "sign_in_challenge": _challenge,
    "user_token": _token,
    "notice": _notice,
    "sign_in_policy": _policy,
    "break_glass": _break_glass,
}
