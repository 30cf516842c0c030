"""The words that people are found by, written with every change of a person, whoever makes it."""

from collections.abc import Iterator, Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Table, delete, event, false, inspect, true
from sqlalchemy.orm import UOWTransaction

from holdfast.core.directory.models import Person, PersonWord
from holdfast.core.directory.queries.records import among, chunks
from holdfast.kernel.db import NOBODY
from holdfast.kernel.engines.inserts import insert_many
from holdfast.kernel.lists.words import Words, words_of
from holdfast.kernel.tenancy import TenantSession

PERSON_SEARCH = (Person.name_key, Person.number_key, Person.email_key)
# It has no foreign key, which would be looked up for each word of an import: nothing but the flush that writes a person
# writes their words.
_TABLE = cast("Table", inspect(PersonWord).local_table)
# What it keeps of the person besides, so that a page of the list as it mostly is can be chosen in its index alone.
PERSON_WORDS = Words(
    _TABLE,
    sorts={"name": PersonWord.name_key},
    filters={"deleted": lambda value: PersonWord.in_trash.is_(true() if value else false())},
)

# Here and not in the verbs, as the rest of what follows from a person (`history.py`).


@event.listens_for(TenantSession, "after_flush")
def _after(session: TenantSession, _context: UOWTransaction) -> None:
    added = [row for row in session.new if isinstance(row, Person)]
    changed = [row for row in session.dirty if isinstance(row, Person) and _is_found_otherwise(row)]
    removed = [row for row in session.deleted if isinstance(row, Person)]
    if changed or removed:
        _forget(session, sorted(row.id for row in (*changed, *removed)))
    if added or changed:
        insert_many(session.connection(), _TABLE, list(_rows(session, (*added, *changed))))


def words_of_person(name_key: str, number_key: str, email_key: str | None) -> list[str]:
    """Return the words that a person is found by, of the columns that are searched."""
    return words_of((name_key, number_key, email_key))


def _is_found_otherwise(person: Person) -> bool:
    attributes = inspect(person).attrs
    return any(attributes[column.key].history.has_changes() for column in (*PERSON_SEARCH, Person.deleted_key))


def _forget(session: TenantSession, person_ids: Sequence[UUID]) -> None:
    for chunk in chunks(person_ids):
        found = delete(PersonWord).where(among(PersonWord.id, chunk))
        session.execute(found, execution_options={"synchronize_session": False})


def _rows(session: TenantSession, people: Sequence[Person]) -> Iterator[dict[str, object]]:
    for person in people:
        kept = {"name_key": person.name_key, "in_trash": person.deleted_key != NOBODY}
        for word in words_of_person(person.name_key, person.number_key, person.email_key):
            yield {"tenant_id": session.tenant_id, "id": person.id, "word": word, **kept}
