import asyncio
import base64
import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import orjson
import pytest
from database_servers import fresh_url, open_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    Table,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from holdfast.kernel.db import CanonicalJson, Choice, Str, TenantOwned, UtcDateTime
from holdfast.kernel.engines import Database, Link
from holdfast.kernel.errors import ConfigurationError, Invalid
from holdfast.kernel.lists import HotList, ListParameters, Lookup
from holdfast.kernel.lists.cursors import make_cursor
from holdfast.kernel.lists.statements import TENANT
from holdfast.kernel.lists.words import Words

pytestmark = pytest.mark.portable
KINDS = ["sqlite", "postgresql", "mysql"]
T1, T2 = uuid.UUID("01900000-0000-7000-8000-000000000001"), uuid.UUID("01900000-0000-7000-8000-000000000002")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Local(DeclarativeBase):
    pass


class Yard(TenantOwned, Local):
    __tablename__ = "yard"
    name: Mapped[str] = mapped_column(Str(50))


class Boat(TenantOwned, Local):
    __tablename__ = "boat"
    name: Mapped[str] = mapped_column(Str(80))
    name_key: Mapped[str] = mapped_column(Str(80))
    colour: Mapped[Colour | None] = mapped_column(Choice(Colour))
    afloat: Mapped[bool] = mapped_column(Boolean)
    length: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    built: Mapped[dt.date | None] = mapped_column(Date)
    extra: Mapped[dict] = mapped_column(CanonicalJson)
    seats: Mapped[int] = mapped_column(Integer)
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    yard_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "yard_id"], ["yard.tenant_id", "yard.id"]),)


boat, yard = Boat.__table__, Yard.__table__
other_yard = aliased(Yard, name="other_yard")
fleet = select(func.count()).select_from(aliased(Boat, name="other")).scalar_subquery()

BOATS = HotList(
    "boats",
    boat.outerjoin(yard, and_(boat.c.tenant_id == yard.c.tenant_id, boat.c.yard_id == yard.c.id)),
    columns={
        "id": Boat.id,
        "name": Boat.name,
        "colour": Boat.colour,
        "afloat": Boat.afloat,
        "length": Boat.length,
        "built": Boat.built,
        "extra": Boat.extra,
        "seats": Boat.seats,
        "seen_at": Boat.seen_at,
        "yard": Yard.name,
        "fleet": fleet,
    },
    sorts={
        "name": Boat.name,
        "seen_at": Boat.seen_at,
        "seats": Boat.seats,
        "yard": Yard.name,
        "built": Boat.built,
        "length": Boat.length,
        "colour": Boat.colour,
        "id": Boat.id,
    },
    default_sort="name",
    filters={
        "colour": lambda value: Boat.colour == value,
        "afloat": Boat.afloat.is_,
        "in_yard": lambda value: Boat.yard_id.is_not(None) if value else Boat.yard_id.is_(None),
        "seen_from": lambda value: Boat.seen_at >= value,
        "seats": Boat.seats.in_,
        "yard_name": lambda value: exists().where(other_yard.id == Boat.yard_id, other_yard.name == value),
    },
    search=[Boat.name_key],
)


class BoatList(ListParameters):
    colour: Colour | None = None
    afloat: bool | None = None
    in_yard: bool | None = None
    seen_from: dt.datetime | None = None
    seats: list[int] | None = None
    yard_name: str | None = None


@dataclass
class Work:
    link: Link
    tenant_id: uuid.UUID = T1
    cursor_key: bytes = b"k" * 32


def boat_row(number: int, tenant=T1, **values) -> dict:
    name = values.pop("name", f"Boat {number:03}")
    return {
        "tenant_id": tenant,
        "id": uuid.UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | number),
        "name": name,
        "name_key": name.casefold(),
        "colour": [Colour.RED, Colour.GREEN, None][number % 3],
        "afloat": number % 2 == 0,
        "length": Decimal(number) + Decimal("0.5"),
        "built": dt.date(2000, 1, 1 + number % 28) if number % 5 else None,
        "extra": {"b": number, "a": ["é", None, True]},
        "seats": number % 4,
        "seen_at": dt.datetime(2026, 1, 2, 3, 4, 5, number * 100000 % 1000000, dt.UTC) if number % 4 else None,
        "yard_id": uuid.UUID(int=number % 2 + 1) if number % 3 else None,
    } | values


async def filled(database: Database, rows: list[dict]) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Local.metadata.create_all)
        await connection.execute(
            yard.insert(),
            [
                {"tenant_id": t, "id": uuid.UUID(int=i), "name": f"Yard {i} of {t.hex[-1]}"}
                for t in (T1, T2)
                for i in (1, 2)
            ],
        )
        if rows:
            await connection.execute(boat.insert(), rows)


@pytest.fixture(params=KINDS)
async def database(request):
    async with fresh_url(request.param) as url:
        database = open_database(url)
        await filled(
            database,
            [boat_row(i) for i in range(1, 31)] + [boat_row(i, T2, name=f"Foreign {i}") for i in range(31, 36)],
        )
        yield database
        await database.dispose()


@pytest.fixture
async def work(database):
    link = await database.acquire(write=False)
    yield Work(link)
    await link.close()


async def body(work, **params) -> dict:
    return orjson.loads(await BOATS.page(work, BoatList(**params)))


async def names(work, **params) -> list[str]:
    return [row["name"] for row in (await body(work, **params))["data"]]


async def test_a_page_has_rows_total_and_the_way_on(work):
    first = await body(work, page_size=20)
    assert [row["name"] for row in first["data"]] == [f"Boat {i:03}" for i in range(1, 21)]
    assert first["meta"] | {"next_cursor": "…"} == {"page": 1, "page_size": 20, "total": 30, "next_cursor": "…"}
    second = await body(work, page_size=20, cursor=first["meta"]["next_cursor"])
    assert [row["name"] for row in second["data"]] == [f"Boat {i:03}" for i in range(21, 31)]
    assert second["meta"] == {"page": None, "page_size": 20, "total": 30, "next_cursor": None}
    assert second["data"] == (await body(work, page_size=20, page=2))["data"]


async def test_values_are_json_of_one_form_on_every_database(work):
    row = (await body(work, page_size=1, page=2))["data"][0]
    assert row == {
        "id": "01900000-0000-7000-8000-000000000002",
        "name": "Boat 002",
        "colour": None,
        "afloat": True,
        "length": "2.50",
        "built": "2000-01-03",
        "extra": {"a": ["é", None, True], "b": 2},
        "seats": 2,
        "seen_at": "2026-01-02T03:04:05.200000Z",
        "yard": "Yard 1 of 1",
        "fleet": 30,
    }


async def test_equal_data_are_equal_bytes_on_every_database():
    params = [{}, {"sort": "-yard", "page_size": 7}, {"sort": "seen_at", "q": "boat", "count": "exact"}, {"page": 9}]
    answers = []
    for kind in KINDS:
        async with fresh_url(kind) as url:
            database = open_database(url)
            await filled(database, [boat_row(i) for i in range(1, 31)])
            link = await database.acquire(write=False)
            answers.append([await BOATS.page(Work(link), BoatList(**each)) for each in params])
            await link.close()
            await database.dispose()
    assert answers[0] == answers[1] == answers[2]
    assert b'"extra":{"a":["\xc3\xa9",null,true],"b":1}' in answers[0][0]


async def test_only_the_tenant_is_seen(database):
    link = await database.acquire(write=False)
    try:
        mine = await body(Work(link), page_size=200)
        other = await body(Work(link, tenant_id=T2), page_size=200)
        nobody = await body(Work(link, tenant_id=uuid.UUID(int=9)))
    finally:
        await link.close()
    assert (len(mine["data"]), mine["meta"]["total"]) == (30, 30)
    assert [row["name"][:7] for row in other["data"]] == ["Foreign"] * 5
    assert other["meta"]["total"] == other["data"][0]["fleet"] == 5
    assert {row["yard"] for row in other["data"]} <= {"Yard 1 of 2", "Yard 2 of 2", None}
    assert nobody == {"data": [], "meta": {"page": 1, "page_size": 50, "total": 0, "next_cursor": None}}


@pytest.mark.parametrize("outer", [True, False])
async def test_a_join_that_forgets_the_tenant_is_kept_to_it(work, outer):
    loose = HotList(
        "loose",
        boat.join(yard, boat.c.yard_id == yard.c.id, isouter=outer),
        columns={"id": Boat.id, "yard": Yard.name},
        sorts={"id": Boat.id},
        default_sort="id",
    )
    rows, meta = await loose.rows_and_meta(work, ListParameters())
    assert len(rows) == len({row["id"] for row in rows}) == meta["total"] == (30 if outer else 20)
    assert {row["yard"] for row in rows if row["yard"]} == {"Yard 1 of 1", "Yard 2 of 1"}


async def test_a_page_beyond_the_last_keeps_the_total(work):
    assert (await body(work, page=7))["meta"] == {"page": 7, "page_size": 50, "total": 30, "next_cursor": None}


async def test_filters_choose(work):
    assert len(await names(work, colour="red")) == 10
    assert len(await names(work, afloat=False)) == 15
    assert len(await names(work, in_yard=False)) == 10
    assert len(await names(work, seats=[1, 2])) == 16
    assert await names(work, yard_name="Yard 1 of 2") == []
    assert len(await names(work, yard_name="Yard 1 of 1")) == 10
    seen = await body(work, seen_from="2026-01-02T04:04:05.700000+01:00", sort="seen_at")
    assert [row["seen_at"][-8:] for row in seen["data"]] == [".700000Z"] * 3 + [".800000Z"] * 1 + [".900000Z"] * 3
    assert seen["meta"]["total"] == 7


@pytest.mark.parametrize("hostile", ["%", "_", "/", "\\", "'", "100%", "a_b", "x/y", "c\\d", "%s", "{", "é"])
async def test_search_takes_every_character_as_itself(database, hostile):
    async with database.engine.begin() as connection:
        await connection.execute(boat.insert(), [boat_row(90, name=f"<{hostile}>")])
    link = await database.acquire(write=False)
    try:
        assert await names(Work(link), q=hostile) == [f"<{hostile}>"]
        assert await names(Work(link), q="BOAT 00") == [f"Boat {i:03}" for i in range(1, 10)]
    finally:
        await link.close()


async def test_search_finds_words_in_any_order_and_as_many_as_a_name_has(database):
    name = "one two three four five six seven eight"
    async with database.engine.begin() as connection:
        await connection.execute(boat.insert(), [boat_row(90, name=name)])
    link = await database.acquire(write=False)
    try:
        for text in (name, "eight  ONE", "two one thr six eig our", "on tw th fo fi six seven"):
            assert await names(Work(link), q=text) == [name], text
        for text in ("one nine", "one two three four five seven six", "eight nine", "onetwo"):
            assert await names(Work(link), q=text) == [], text
        assert len(await names(Work(link), q="   ")) == 31
    finally:
        await link.close()


@pytest.mark.unit
def test_words_know_nothing_of_other_conditions():
    with pytest.raises(ConfigurationError, match="other conditions"):
        HotList(
            "loose",
            Boat,
            columns={"id": Boat.id},
            sorts={"id": Boat.id},
            default_sort="id",
            words=Words(yard),
            where=[Boat.seats > 1],
        )


@pytest.mark.parametrize(
    "sort", ["name", "-name", "seen_at", "-seen_at", "-seats", "yard", "-built", "length", "-colour", "-id"]
)
async def test_every_sort_visits_every_row_once(work, sort):
    seen, cursor = [], None
    while True:
        page = await body(work, sort=sort, page_size=4, **({"cursor": cursor} if cursor else {}))
        seen += page["data"]
        cursor = page["meta"]["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len({row["id"] for row in seen}) == 30
    assert seen == (await body(work, sort=sort, page_size=200))["data"]
    values = [row[sort.lstrip("-")] for row in seen]
    read = {"length": float, "seen_at": dt.datetime.fromisoformat}.get(sort.lstrip("-"), lambda value: value)
    known = [read(value) for value in values if value is not None]
    assert values[len(known) :] == [None] * (30 - len(known))
    assert known == sorted(known, reverse=sort.startswith("-"))


async def test_an_export_has_every_row(work, monkeypatch):
    monkeypatch.setattr("holdfast.kernel.lists._BATCH", 7)
    batches = [batch async for batch in BOATS.batches(work, BoatList(sort="-seen_at", colour="red"))]
    assert [len(batch) for batch in batches] == [7, 3]
    assert [row for batch in batches for row in batch] == (await body(work, sort="-seen_at", colour="red"))["data"]
    assert await BOATS.rows(work, BoatList(colour="red", sort="-seen_at")) == batches[0] + batches[1]


async def test_the_total_is_exact_up_to_the_limit_and_beyond_it_when_asked(database, monkeypatch):
    monkeypatch.setattr("holdfast.kernel.lists.COUNTED", 10)
    monkeypatch.setattr("holdfast.kernel.lists.statements.COUNTED", 10)
    boats = HotList(
        "b",
        Boat,
        columns={"id": Boat.id},
        sorts={"id": Boat.id},
        default_sort="id",
        filters={"seats": Boat.seats.in_},
    )

    class Params(ListParameters):
        seats: list[int] | None = None

    link = await database.acquire(write=False)

    async def total(**params):
        return orjson.loads(await boats.page(Work(link), Params(**params)))["meta"]["total"]

    try:
        assert await total() is None
        assert await total(page=9) is None
        assert await total(count="exact") == 30
        assert await total(count="exact", page=9) == 30
        assert await total(seats=[1]) == 8
        limits = {shape.count: plan.sql.count("LIMIT") for (_, shape), plan in boats._plans.items()}
        assert limits == {"capped": 2, "exact": 1, "only": 1, "only_exact": 0}
    finally:
        await link.close()


async def test_a_statement_is_compiled_once_a_shape(work):
    boats = HotList("b", Boat, columns={"id": Boat.id}, sorts={"id": Boat.id}, default_sort="id")
    for page in (1, 2, 3):
        await boats.page(work, ListParameters(page=page, page_size=5))
    assert len(boats._plans) == 2
    plan = boats._plans[next(iter(boats._plans))]
    assert {TENANT, "_limit"} == {name for name, *_ in plan.slots if name}


# -- input


def test_unknown_and_impossible_parameters_are_refused():
    for wrong in (
        {"nope": 1},
        {"page": 0},
        {"page_size": 201},
        {"page_size": 0},
        {"q": "x" * 201},
        {"count": "all"},
        {"q": "a\0b"},
        {"colour": "blue"},
    ):
        with pytest.raises(ValidationError):
            BoatList(**wrong)


async def fault(work, **params):
    with pytest.raises(Invalid) as caught:
        await BOATS.page(work, BoatList(**params))
    return [(error.location, error.code) for error in caught.value.errors]


async def test_faults_name_the_parameter(work):
    assert await fault(work, sort="nope") == [("query.sort", "unknown_sort")]
    assert await fault(work, sort="--name") == [("query.sort", "unknown_sort")]
    assert await fault(work, sort="name; DROP TABLE boat") == [("query.sort", "unknown_sort")]
    assert await fault(work, seats=list(range(51))) == [("query.seats", "too_many")]
    cursor = (await body(work, page_size=5))["meta"]["next_cursor"]
    assert await fault(work, cursor=cursor, page=1) == [("query.cursor", "page_and_cursor")]


async def test_a_cursor_is_good_only_where_it_was_made(work, database):
    cursor = (await body(work, page_size=5))["meta"]["next_cursor"]
    bad = [("query.cursor", "bad_cursor")]
    assert len((await body(work, cursor=cursor))["data"]) == 25
    assert await fault(work, cursor=cursor, sort="-name") == bad
    assert await fault(Work(work.link, tenant_id=T2), cursor=cursor) == bad
    assert await fault(Work(work.link, cursor_key=b"x" * 32), cursor=cursor) == bad
    other = HotList("other", Boat, columns={"id": Boat.id}, sorts={"name": Boat.name}, default_sort="name")
    with pytest.raises(Invalid):
        await other.page(work, ListParameters(cursor=cursor))
    for hostile in (
        cursor[:-1],
        cursor[1:],
        cursor[:22],
        cursor + "A",
        cursor + "=",
        "",
        "é",
        "=" * 9,
        "A" * 4096,
        cursor.swapcase(),
    ):
        assert await fault(work, cursor=hostile) == bad, hostile


@given(st.data())
@settings(max_examples=300, deadline=None)
@pytest.mark.unit
def test_no_changed_cursor_is_read(data):
    from holdfast.kernel.lists.cursors import read_cursor

    good = make_cursor(b"k" * 32, T1, "boats", "name", ("Boat", str(T2)))
    assert read_cursor(b"k" * 32, T1, "boats", "name", good) == ("Boat", str(T2))
    raw = bytearray(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
    index = data.draw(st.integers(0, len(raw) - 1))
    raw[index] ^= data.draw(st.integers(1, 255))
    for hostile in (base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode(), data.draw(st.text(max_size=80))):
        with pytest.raises(Invalid):
            read_cursor(b"k" * 32, T1, "boats", "name", hostile)


@given(
    keys=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=40),
    size=st.integers(1, 7),
    sort=st.sampled_from(["rank", "-rank", "label", "-label"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_keyset_paging_visits_every_row_once(keys, size, sort, tmp_path):
    table = Table(
        "thing",
        MetaData(),
        Column("tenant_id", Uuid, primary_key=True),
        Column("id", Uuid, primary_key=True),
        Column("rank", Integer),
        Column("label", Str(5), nullable=False),
    )
    things = HotList(
        "things",
        table,
        columns={"id": table.c.id, "rank": table.c.rank},
        sorts={"rank": table.c.rank, "label": table.c.label},
        default_sort="rank",
    )
    database = open_database(f"sqlite:///{tmp_path}/{uuid.uuid4().hex}.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(table.create)
        for key in keys:
            await connection.execute(table.insert().values(tenant_id=T1, id=uuid.uuid4(), rank=key, label=str(key)[:1]))
    link = await database.acquire(write=False)
    seen, cursor = [], None
    try:
        for _ in range(50):
            params = ListParameters(sort=sort, page_size=size, **({"cursor": cursor} if cursor else {}))
            page = orjson.loads(await things.page(Work(link), params))
            seen += [row["id"] for row in page["data"]]
            cursor = page["meta"]["next_cursor"]
            if cursor is None:
                break
        everything = await things.rows(Work(link), ListParameters(sort=sort, page_size=200))
    finally:
        await link.close()
        await database.dispose()
    assert len(seen) == len(set(seen)) == len(keys)
    assert seen == [row["id"] for row in everything]


# -- declarations


def test_a_declaration_that_could_leave_the_tenant_is_refused():
    loose = Table("loose", MetaData(), Column("id", Uuid, primary_key=True))
    sorts = {"id": Boat.id}
    with pytest.raises(ConfigurationError, match="tenant_id"):
        HotList("l", loose, columns={"id": loose.c.id}, sorts={"id": loose.c.id}, default_sort="id")
    with pytest.raises(ConfigurationError, match="full outer"):
        HotList(
            "l", boat.join(yard, boat.c.yard_id == yard.c.id, full=True), columns={}, sorts=sorts, default_sort="id"
        )
    with pytest.raises(ConfigurationError, match="tenant_id"):
        HotList(
            "l", Boat, columns={"n": select(func.count(loose.c.id)).scalar_subquery()}, sorts=sorts, default_sort="id"
        )
    named = select(Boat.id).cte()  # reads a tenant's rows, but does not say whose
    with pytest.raises(ConfigurationError, match="tenant_id"):
        HotList(
            "l", Boat, columns={"n": select(func.count(named.c.id)).scalar_subquery()}, sorts=sorts, default_sort="id"
        )
    with pytest.raises(ConfigurationError, match="not among"):
        HotList("l", Boat, columns={"id": Boat.id}, sorts=sorts, default_sort="-name")


async def test_a_table_that_is_not_joined_is_refused(work):
    crossed = HotList("l", Boat, columns={"id": Boat.id, "yard": Yard.name}, sorts={"id": Boat.id}, default_sort="id")
    with pytest.raises(ConfigurationError, match="does not join"):
        await crossed.page(work, ListParameters())


async def test_a_filter_may_have_a_default(work):
    class Red(ListParameters):
        colour: Colour = Colour.RED
        seats: tuple[int, ...] = (1, 2)
        afloat: bool = False

    filters = {"colour": lambda value: Boat.colour == value, "seats": Boat.seats.in_, "afloat": Boat.afloat.is_}
    reds = HotList("l", Boat, columns={"id": Boat.id}, sorts={"id": Boat.id}, default_sort="id", filters=filters)
    numbers = [i for i in range(1, 31) if i % 3 == 0 and i % 4 in (1, 2) and i % 2]
    assert len(await reds.rows(work, Red())) == len(numbers) == 2


async def test_a_parameter_without_a_filter_is_a_fault_of_ours(work):
    plain = HotList("l", Boat, columns={"id": Boat.id}, sorts={"id": Boat.id}, default_sort="id")
    with pytest.raises(ConfigurationError, match="colour"):
        await plain.page(work, BoatList(colour="red"))
    with pytest.raises(Invalid):
        await plain.page(work, ListParameters(q="x"))


async def test_joins_in_the_orm_form_and_constants_work(work):
    listed = HotList(
        "l",
        boat.join(yard.alias("home"), literal(1) == 1),
        columns={"id": Boat.id, "what": literal("50% é", Str(20))},
        sorts={"id": Boat.id},
        default_sort="id",
        where=[Boat.name != "Boat 001"],
    )
    rows = await listed.rows(work, ListParameters(page_size=3))
    assert rows[0]["what"] == "50% é"


class Moored(NamedTuple):
    name: str
    colour: Colour | None
    afloat: bool
    extra: dict
    seen_at: dt.datetime | None
    in_a_yard: bool
    yard: str | None


MOORED = Lookup(
    Moored,
    boat.outerjoin(yard, boat.c.yard_id == yard.c.id),
    columns={
        **{name: getattr(Boat, name) for name in Moored._fields[:5]},
        "in_a_yard": exists().where(other_yard.id == Boat.yard_id),
        "yard": Yard.name,
    },
    where=[Boat.name_key == bindparam("name_key", type_=Boat.name_key.type)],
)


async def test_a_lookup_gives_one_row_as_python_values_on_every_database(work):
    assert await MOORED.find(work, name_key="boat 002") == Moored(
        "Boat 002",
        None,
        True,
        {"a": ["é", None, True], "b": 2},
        dt.datetime(2026, 1, 2, 3, 4, 5, 200000, dt.UTC),
        True,
        "Yard 1 of 1",
    )
    laid_up = await MOORED.find(work, name_key="boat 003")
    assert (laid_up.colour, laid_up.afloat, laid_up.in_a_yard, laid_up.yard) == (Colour.RED, False, False, None)


async def test_a_lookup_sees_one_tenant_also_in_its_joins(work):
    foreign = Work(work.link, tenant_id=T2)
    assert await MOORED.find(work, name_key="foreign 31") is None
    assert await MOORED.find(foreign, name_key="boat 002") is None
    assert (await MOORED.find(foreign, name_key="foreign 31")).yard == "Yard 2 of 2"


async def test_a_lookup_locks_its_row_where_it_says_so(database):
    class Locked(NamedTuple):
        id: uuid.UUID

    held = Lookup(Locked, boat, columns={"id": Boat.id}, where=[Boat.name_key == bindparam("key")], lock=True)
    first = await database.acquire(write=True)
    try:
        assert await held.find(Work(first), key="boat 001") == Locked(boat_row(1)["id"])
        second = asyncio.create_task(lock_elsewhere(database, held))
        assert (await asyncio.wait([second], timeout=0.5))[1], "the row was not locked"
        await first.close()
        assert await asyncio.wait_for(second, 10) == Locked(boat_row(1)["id"])
    finally:
        await first.close()


async def lock_elsewhere(database, held):
    link = await database.acquire(write=True)
    try:
        return await held.find(Work(link), key="boat 001")
    finally:
        await link.close()


def test_a_lookup_whose_columns_are_not_the_fields_is_refused():
    with pytest.raises(ConfigurationError, match="Moored has the fields"):
        Lookup(Moored, boat, columns={"name": Boat.name}, where=[])
