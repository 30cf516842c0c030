"""Where people worked from when to when, when their access ends, and groups of people."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A person's first placement begins with their first day where that is before the record's own.
FIRST_DAY = {
    "sqlite": "p.start_date || ' 00:00:00.000000'",
    "postgresql": "p.start_date::timestamp AT TIME ZONE 'UTC'",
    "mysql": "CAST(p.start_date AS DATETIME(6))",
}
PLACEMENTS = """
INSERT INTO placement (tenant_id, id, person_id, company_id, branch_id, department_id, job_title, manager_id,
                       valid_from, valid_to, open_key)
SELECT p.tenant_id, p.id, p.id, p.company_id, p.branch_id, p.department_id, p.job_title, p.manager_id,
       CASE WHEN {first_day} < p.created_at THEN {first_day} ELSE p.created_at END,
       p.deleted_at, CASE WHEN p.deleted_at IS NULL THEN p.deleted_key ELSE p.id END
FROM person p WHERE p.tenant_id = :tenant
"""
ZONE = """
coalesce((SELECT b.time_zone FROM branch b WHERE b.tenant_id = person.tenant_id AND b.id = person.branch_id),
         (SELECT o.time_zone FROM organization o WHERE o.tenant_id = person.tenant_id), 'UTC')
"""
LAST_DAYS = f"""
SELECT DISTINCT end_date, {ZONE} AS zone FROM person WHERE tenant_id = :tenant AND end_date IS NOT NULL
"""  # noqa: S608  text of our own
ENDS = f"""
UPDATE person SET access_ends_at = :moment WHERE tenant_id = :tenant AND end_date = :day AND {ZONE} = :zone
"""  # noqa: S608  text of our own
# When they left is not known: at the latest when their record last changed.
LEFT = """
UPDATE person SET access_ends_at = updated_at WHERE tenant_id = :tenant AND end_date IS NULL AND status = 'left'
"""


def upgrade() -> None:
    op.create_table(
        "placement",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("branch_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("job_title", db.Str(120), nullable=True),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", db.UtcDateTime(), nullable=False),
        sa.Column("valid_to", db.UtcDateTime(), nullable=True),
        sa.Column("open_key", sa.Uuid(), nullable=False),
        _reference("placement", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "person_id", "open_key", name="uq_placement_open"),
    )
    op.create_index("ix_placement_person_id", "placement", ["tenant_id", "person_id"])
    for unit in ("company", "branch", "department"):
        op.create_index(f"ix_placement_{unit}", "placement", ["tenant_id", f"{unit}_id"])
    op.create_table(
        "person_group",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", db.Str(32), nullable=False),
        sa.Column("code_key", db.Str(64), nullable=False),
        sa.Column("name", db.Str(200), nullable=False),
        sa.Column("name_key", db.Str(400), nullable=False),
        sa.Column("description", db.Str(500), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", db.UtcDateTime(), nullable=True),
        sa.Column("deleted_key", sa.Uuid(), nullable=False),
        sa.Column("deleted_with", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "code_key", "deleted_key", name="uq_person_group_code"),
    )
    op.create_index("ix_person_group_name", "person_group", ["tenant_id", "name_key", "id"])
    op.create_table(
        "group_member",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", db.UtcDateTime(), nullable=False),
        sa.Column("left_at", db.UtcDateTime(), nullable=True),
        sa.Column("open_key", sa.Uuid(), nullable=False),
        sa.Column("ended_with", sa.Uuid(), nullable=True),
        _reference("group_member", "group_id", "person_group"),
        _reference("group_member", "person_id", "person"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "group_id", "person_id", "open_key", name="uq_group_member_open"),
    )
    for column in ("group_id", "person_id"):
        op.create_index(f"ix_group_member_{column}", "group_member", ["tenant_id", column])
    op.create_table(
        "structure_mark",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.add_column("person", sa.Column("access_ends_at", db.UtcDateTime(), nullable=True))
    bind = op.get_bind()
    first_day = FIRST_DAY[bind.dialect.name if bind.dialect.name in FIRST_DAY else "mysql"]
    fill = _typed(PLACEMENTS.format(first_day=first_day))
    for tenant in _tenants(bind):
        bind.execute(fill, {"tenant": tenant})
        bind.execute(_typed(LEFT), {"tenant": tenant})
        ends = _typed(ENDS).bindparams(
            sa.bindparam("moment", type_=db.UtcDateTime()), sa.bindparam("day", type_=sa.Date())
        )
        for day, zone in bind.execute(_typed(LAST_DAYS).columns(end_date=sa.Date()), {"tenant": tenant}).all():
            values = {"tenant": tenant, "day": day, "zone": zone, "moment": _day_end(day, zone)}
            bind.execute(ends, values)


def downgrade() -> None:
    op.drop_column("person", "access_ends_at")
    op.drop_table("structure_mark")
    op.drop_table("group_member")
    op.drop_table("person_group")
    op.drop_table("placement")


def _day_end(day: date, zone: str) -> datetime | None:
    try:
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        return None


def _tenants(bind: sa.Connection) -> Iterator[UUID]:
    """Yield each organisation; row-level security shows even the owner one at a time."""
    for tenant in bind.execute(sa.text("SELECT id FROM tenant").columns(id=sa.Uuid())).scalars().all():
        if bind.dialect.name == "postgresql":
            bind.execute(sa.text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(tenant)})
        yield tenant


def _typed(sql: str) -> sa.TextClause:
    return sa.text(sql).bindparams(sa.bindparam("tenant", type_=sa.Uuid()))


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_{column}",
        ondelete="RESTRICT",
    )
