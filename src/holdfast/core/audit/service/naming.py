"""Names for what the trail knows by id and action: what happened to what, by whom, and values as people read them."""

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from holdfast.core.audit import queries
from holdfast.core.audit.facts import RefusalsRepeated
from holdfast.core.audit.schemas import EntryOut, EntryShown, NamedEntry
from holdfast.kernel.db import Base
from holdfast.kernel.errors import Invalid
from holdfast.kernel.facts import FACTS
from holdfast.kernel.pages import wording
from holdfast.kernel.plugins import App
from holdfast.kernel.work import Work, Works

Ref = tuple[str, UUID]  # table and id
USER = "user_account"  # what the house names
Called = Callable[[Work, str], Awaitable[Sequence[tuple[UUID, str, str]]]]
TONES = {"success": "good", "refused": "warn", "failed": "bad"}
# What a record of a kind that no app describes may call itself.
NAMES = ("name", "title", "email", "code", "number")
LABELS = {"id": "Identifier", "ip": "IP address", "sha256": "Checksum", "user_agent": "Program"}
PARTS = {
    "before": "the values before",
    "after": "the values after",
    "detail": "the details",
    "pii": "network address and program",
    "ctx": "reason and request",
}
# Recorded like every field, and of no interest to a person beside those that were changed.
BOOKKEEPING = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Catalogue:
    """What the installed apps say of their kinds of records and permissions; `main` puts it into the house."""

    SLOT = "audit"

    def __init__(self, apps: Iterable[App], people_called: Called) -> None:
        apps = tuple(apps)
        self.people_called = people_called
        self.kinds = {kind.table: kind for app in apps for kind in app.records}
        self.permissions = {each.name: each.title for app in apps for each in app.permissions}
        self.models: dict[str, Any] = {each.class_.__tablename__: each.class_ for each in Base.registry.mappers}

    def title_of(self, entry: EntryOut) -> str:
        """Return what happened: the fact's own title, or what was not permitted."""
        fact = FACTS.get(entry.action)
        if fact is not None:
            return fact.title
        title = self.permissions.get(entry.action) or wording.action(entry.action)
        return f"{title} {entry.outcome}" if entry.outcome != "success" else title

    def kind_of(self, table: str) -> str:
        """Return what a record of a table is called."""
        return self.kinds[table].title if table in self.kinds else wording.words(table)

    def target_of(self, table: str | None, field: str) -> str | None:
        """Return the table that a field's id points at."""
        column = self.models[table].__table__.columns.get(field) if table in self.models else None
        target = None if column is None else column.info.get("tenant_fk")
        return target or (USER if field.endswith("_by") or field == "user_id" else None)


def catalogue_of(house: Works) -> Catalogue:
    """Return what this installation's apps say of their records."""
    found = house.state[Catalogue.SLOT]
    assert isinstance(found, Catalogue)
    return found


# lint: allow verb – adds names to what a verb has already given
async def named(work: Work, entries: Sequence[EntryOut]) -> list[NamedEntry]:
    """Return the entries with titles and with the names of actors and records, as pages show them.

    One query a kind of record, one for the users, one for the records that are gone; however many entries there are.
    """
    catalogue = catalogue_of(work.house)
    actors = {(USER, each) for entry in entries for each in (entry.actor_id, entry.on_behalf_of) if each}
    records = {(entry.entity_type, entry.entity_id) for entry in entries if entry.entity_type and entry.entity_id}
    live = await _names(work, actors | records)
    gone = await _names_of_gone(work, records - live.keys())
    return [_named(catalogue, entry, live, gone) for entry in entries]


# lint: allow verb – puts into words what a verb has already given
async def in_words(work: Work, entry: EntryOut) -> EntryShown:
    """Return what an entry says of the change and besides, labels and values as a page shows them."""
    catalogue = catalogue_of(work.house)
    parts = (entry.before, entry.after, entry.detail)
    fields = [(name, value) for part in parts for name, value in (part or {}).items()]
    refs = {
        (target, UUID(value))
        for name, value in fields
        if isinstance(value, str) and _ID.fullmatch(value) and (target := catalogue.target_of(entry.entity_type, name))
    }
    names = {str(ref[1]): name for ref, name in (await _names(work, refs)).items()} if refs else {}
    changed = {name for part in parts[:2] for name in part or {}}
    wanted = changed - BOOKKEEPING or changed
    fact = FACTS.get(entry.action)
    labels = LABELS | dict(fact.labels if fact else {})
    before, after = ({name: part[name] for name in part if name in wanted} if part else {} for part in parts[:2])
    detail = {name: value for name, value in (entry.detail or {}).items() if (name, value) != ("verb", entry.action)}
    first = detail.pop("first_entry", None) if entry.action == RefusalsRepeated.action else None
    return EntryShown(
        before=_worded(before, labels, names),
        after=_worded(after, labels, names),
        detail=_worded(detail, labels, names),
        first_entry=None if first is None else UUID(str(first)),
        destroyed=[PARTS.get(part, part) for part in entry.redacted],
    )


# lint: allow verb – an id for a name; what is done with it is a verb's
async def find_actor(work: Work, text: str) -> tuple[UUID, str]:
    """Return id and address of the one user whom a text means; raise Invalid where it is none or several."""
    people = await catalogue_of(work.house).people_called(work, text)
    if len(people) == 1:
        return people[0][0], people[0][2]
    known = "; ".join(f"{name} ({address})" for _, name, address in people)
    said = f"Write the e-mail of one of these: {known}" if people else "Nobody here has this name or e-mail"
    raise Invalid(said)


async def _names(work: Work, refs: Collection[Ref]) -> dict[Ref, str]:
    """Return what the rows call themselves, those in the trash too; a row without a name is called after its user."""
    catalogue = catalogue_of(work.house)
    wanted: defaultdict[str, list[UUID]] = defaultdict(list)
    for table, row_id in sorted(refs):
        wanted[table].append(row_id)
    found: dict[Ref, str] = {}
    users: dict[Ref, UUID] = {}
    for table, ids in wanted.items():
        kind = catalogue.kinds.get(table)
        if table == USER or (kind is not None and kind.user == "id"):
            users |= {(table, row_id): row_id for row_id in ids}
        elif kind is not None:
            columns = (kind.user,) if kind.user else kind.names
            for row_id, *values in await queries.list_rows(work, catalogue.models[table], columns=columns, ids=ids):
                if kind.user:
                    users[table, row_id] = values[0]
                else:
                    found[table, row_id] = " ".join(str(value) for value in values if value)
    names = await work.house.name_users(work, set(users.values())) if users else {}
    return found | {ref: names[user_id] for ref, user_id in users.items() if user_id in names}


async def _names_of_gone(work: Work, refs: Collection[Ref]) -> dict[Ref, str]:
    """Return the names that the newest entries tell of records without a row."""
    found: dict[Ref, str] = {}
    if refs:
        for table, row_id, data in await queries.list_newest_values(work, refs=refs):
            name = _own_name(catalogue_of(work.house), table, orjson.loads(data))
            if name and (table, row_id) not in found:
                found[table, row_id] = name
    return found


def _own_name(catalogue: Catalogue, table: str, values: Mapping[str, Any]) -> str | None:
    kind = catalogue.kinds.get(table)
    if kind is not None and all(name in values for name in kind.names) and kind.names:
        return " ".join(str(values[name]) for name in kind.names)
    return next((str(values[name]) for name in NAMES if isinstance(values.get(name), str)), None)


def _named(catalogue: Catalogue, entry: EntryOut, live: Mapping[Ref, str], gone: Mapping[Ref, str]) -> NamedEntry:
    table, row_id = entry.entity_type, entry.entity_id
    ref = (table, row_id) if table and row_id else None
    page = catalogue.kinds[table].page if table in catalogue.kinds else None
    nobody = "The system" if entry.actor_type == "system" else "Nobody signed in"
    return NamedEntry(
        **entry.model_dump(),
        title=catalogue.title_of(entry),
        tone=TONES.get(entry.outcome, ""),
        actor_label=_user(entry.actor_id, live) or nobody,
        on_behalf_label=_user(entry.on_behalf_of, live),
        entity_kind=None if table is None else catalogue.kind_of(table),
        entity_label=None if ref is None else live.get(ref) or gone.get(ref),
        entity_url=page.format(id=row_id) if page and ref in live else None,
    )


def _user(user_id: UUID | None, names: Mapping[Ref, str]) -> str | None:
    return None if user_id is None else names.get((USER, user_id), str(user_id))


def _worded(values: Mapping[str, object], labels: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    """Return values by label; an id that has a name is called by it, and its field by what it points at."""
    shown: dict[str, Any] = {}
    for name, value in values.items():
        label = labels.get(name) or wording.words(name.removesuffix("_id"))
        if isinstance(value, str):
            value = wording.moment(value, seconds=True) if _TIME.fullmatch(value) else names.get(value, value)  # noqa: PLW2901
        shown[label if label not in shown else name] = value
    return shown
