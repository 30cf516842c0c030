"""The words that people are found by."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from holdfast.kernel import db
from holdfast.kernel.engines.inserts import insert_many
from holdfast.kernel.lists.words import words_of
from holdfast.migrations.rows import all_rows

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
PERSON = sa.table(
    "person",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column("name_key", db.Str(420)),
    sa.column("number_key", db.Str(64)),
    sa.column("email_key", db.Str(254)),
    sa.column("deleted_key", sa.Uuid()),
)


def upgrade() -> None:
    words = op.create_table(
        "person_word",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("word", db.Str(64), nullable=False),
        sa.Column("name_key", db.Str(420), nullable=False),
        sa.Column("in_trash", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", "word"),
    )
    bind = op.get_bind()
    with all_rows("person"):
        for people in _people(bind):
            rows = [
                {
                    "tenant_id": person.tenant_id,
                    "id": person.id,
                    "word": word,
                    "name_key": person.name_key,
                    "in_trash": person.deleted_key != db.NOBODY,
                }
                for person in people
                for word in words_of((person.name_key, person.number_key, person.email_key))
            ]
            insert_many(bind, words, rows)
    op.create_index("ix_person_word_word", "person_word", ["tenant_id", "word", "id", "name_key", "in_trash"])


def downgrade() -> None:
    op.drop_table("person_word")


def _people(bind: sa.Connection) -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield all people, those in the trash too, a thousand at a time by their keys."""
    tenant_id, person_id = PERSON.c.tenant_id, PERSON.c.id
    some = sa.select(PERSON).order_by(tenant_id, person_id).limit(AT_ONCE)
    rows = bind.execute(some).all()
    while rows:
        yield rows
        last = rows[-1]
        beyond = sa.or_(tenant_id > last.tenant_id, person_id > last.id)
        rows = bind.execute(some.where(tenant_id >= last.tenant_id, beyond)).all()
