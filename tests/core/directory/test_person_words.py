"""People are found by the beginnings of their words, whoever wrote them, and as plain Python would find them."""

import random
from itertools import product
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from holdfast.core.directory.facts import PersonImported, PersonUpdated
from holdfast.core.directory.models import Person, PersonWord, Placement
from holdfast.core.directory.queries import PEOPLE, PEOPLE_EXPORT, PeopleExported, PeopleSeen
from holdfast.core.directory.queries.words import words_of_person
from holdfast.kernel.db import folded
from holdfast.kernel.lists.words import LENGTH, words_of

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/people"
CSV = {"Content-Type": "text/csv"}


def begins(text: str, word: str) -> bool:
    """Tell whether a word of a text, or what follows a sign in it, begins so."""
    return any(
        each.startswith(word, at)
        for each in folded(text).split()
        for at in range(len(each))
        if at == 0 or (each[at].isalnum() and not each[at - 1].isalnum())
    )


def found_by(person: Person, typed: str) -> bool:
    texts = (person.given_name, person.family_name, person.number, person.email or "")
    return all(any(begins(text, word) for text in texts) for word in folded(typed).split())


def a_text(source: random.Random, letters: str, longest: int) -> str:
    while not (text := "".join(source.choices(letters, k=source.randint(1, longest))).strip()):
        pass
    return text


def a_query(source: random.Random, people: list[Person]) -> str:
    """Return what somebody may type: the beginnings of a person's words in any order, and now and then of another."""
    words: list[str] = []
    person = source.choice(people)
    for _ in range(source.choice((1, 1, 2, 2, 3))):
        if source.random() < 0.2:
            person = source.choice(people)
        text = source.choice((person.given_name, person.family_name, person.number, person.email or "x"))
        start = source.choice((0, 0, 0, source.randrange(len(text))))
        words.append(text[start : start + source.randint(1, 6)])
    typed = " ".join(words)
    return typed if typed.strip() else "a"


@pytest.fixture
async def staff(org) -> list[Person]:
    """Add people of few letters, so that many are alike; some are in the trash, some in a company."""
    source = random.Random(7)
    async with org.work() as work:
        people = [
            Person(
                id=work.new_id(),
                number=f"{source.choice(('E-', 'e', '', 'ß/'))}{number:03}",
                given_name=a_text(source, "aAbBéßﬁ -'", 8),
                family_name=a_text(source, "abcÄ中%_\\ -😀", 12),
                email=f"{a_text(source, 'abc.-_+', 5).replace(' ', '')}{number}@b.test" if number % 3 else None,
                manager_id=None,
                job_title="x" * (number % 2) or None,
            )
            for number in range(90)
        ]
        for number, person in enumerate(people):
            if number % 7 == 0:
                person.deleted_at, person.deleted_key = work.now(), person.id
            if number % 2:
                person.manager_id = people[0].id
            work.session.add(person)
            work.record(PersonImported(entity=person, line=number))
    return people


def picked(people: list[Person], typed: str, sort: str, chosen: dict[str, Any]) -> list[str]:
    """Return the ids that plain Python picks, in their order."""
    rows = [
        person
        for person in people
        if found_by(person, typed)
        and (person.deleted_at is not None) == chosen.get("deleted", False)
        and person.manager_id == chosen.get("manager_id", person.manager_id)
    ]
    key = {"name": "name_key", "number": "number_key", "created_at": "created_at"}[sort.lstrip("-")]
    rows.sort(key=lambda person: (getattr(person, key), person.id), reverse=sort.startswith("-"))
    return [str(person.id) for person in rows]


async def read(work: Any, **query: Any) -> tuple[list[str], list[str], list[Any]]:
    """Return the ids by cursors, the ids by pages, and the totals that were told on the way."""
    followed, paged, totals = [], [], []
    more: dict[str, Any] = {}
    while True:
        page = orjson.loads(await PEOPLE.page(work, PeopleSeen(**query, page_size=9, **more)))
        followed += [row["id"] for row in page["data"]]
        totals.append(page["meta"]["total"])
        if not page["meta"]["next_cursor"]:
            break
        more = {"cursor": page["meta"]["next_cursor"]}
    for number in range(1, 13):
        page = orjson.loads(await PEOPLE.page(work, PeopleSeen(**query, page_size=9, page=number)))
        paged += [row["id"] for row in page["data"]]
        totals.append(page["meta"]["total"])
    return followed, paged, totals


@pytest.mark.parametrize("frequent", [None, 10, 0], ids=["rare", "some", "frequent"])
async def test_a_search_finds_whom_plain_python_finds(org, staff, monkeypatch, frequent):
    """Whether words count as rare or as frequent, by all ways through a list."""
    if frequent is not None:
        monkeypatch.setattr("holdfast.kernel.lists.COUNTED", frequent)
        monkeypatch.setattr("holdfast.kernel.lists.GATHERED", 2 * frequent)
    source = random.Random(11)
    orders = list(product(("", "-"), ("name", "number", "created_at")))
    hits = 0
    async with org.work(write=False) as work:
        for turn in range(60):
            typed, sort = a_query(source, staff), "".join(orders[turn % len(orders)])
            chosen = source.choice(({}, {}, {"deleted": True}, {"manager_id": staff[0].id}))
            wanted = picked(staff, typed, sort, chosen)
            asked = {"q": typed, "sort": sort, **chosen}
            followed, paged, totals = await read(work, **asked)
            assert followed == wanted, asked
            assert paged == wanted, asked
            known = {total for total in totals if total is not None}
            assert known <= {len(wanted)}, asked
            if frequent is None:
                assert None not in totals, asked
            elif wanted:
                exact = orjson.loads(await PEOPLE.page(work, PeopleSeen(**asked, count="exact")))
                assert exact["meta"]["total"] == len(wanted), asked
            export = [
                row["number"]
                async for rows in PEOPLE_EXPORT.batches(work, PeopleExported(q=typed, sort=sort, **chosen))
                for row in rows
            ]
            assert export == [next(p.number for p in staff if str(p.id) == each) for each in wanted], asked
            hits += bool(wanted)
    assert hits > 30


async def test_very_many_are_not_counted(org, staff, monkeypatch):
    monkeypatch.setattr("holdfast.kernel.lists.COUNTED", 20)
    monkeypatch.setattr("holdfast.kernel.lists.GATHERED", 40)
    async with org.work(write=False) as work:
        for more in ({}, {"page": 2}, {"page": 200}):
            page = orjson.loads(await PEOPLE.page(work, PeopleSeen(q="b", page_size=9, **more)))
            assert page["meta"]["total"] is None, more
        one = next(person.number for person in staff if person.deleted_at is None and found_by(person, "b"))
        page = orjson.loads(await PEOPLE.page(work, PeopleSeen(q="b", number=folded(one))))
        assert (len(page["data"]), page["meta"]["total"]) == (1, None), "counting would take as long for one"
        none = orjson.loads(await PEOPLE.page(work, PeopleSeen(q="b", number="there is none")))
        assert none["meta"]["total"] == 0


@pytest.mark.unit
@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("schmidt anna", "e-0012", "anna.schmidt@x.test"), ["0012", "anna.schmidt@x.test", "e-0012"]),
        (("o'brien-smith ann", None), ["ann", "brien-smith", "o'brien-smith", "smith"]),
        (("(ann) -", "_x_"), ["(ann)", "-", "_x_", "ann)", "x_"]),
        (("a" * 70 + "-b",), ["a" * LENGTH, "b"]),
        ((None, ""), []),
    ],
)
def test_what_a_person_is_found_by(texts, words):
    found = words_of(texts)
    if "@" in (texts[-1] or ""):
        assert found == sorted([*words, "schmidt@x.test", "test", "x.test"])
    else:
        assert found == words


async def assert_kept(org) -> None:
    """Assert that the words of the organisation are those of its people, no more and no less."""
    async with org.work(write=False) as work:
        people = (await work.session.scalars(select(Person))).all()
        wanted = {
            (person.id, word, person.name_key, person.deleted_at is not None)
            for person in people
            for word in words_of_person(person.name_key, person.number_key, person.email_key)
        }
        kept = select(PersonWord.id, PersonWord.word, PersonWord.name_key, PersonWord.in_trash)
        rows = [tuple(row) for row in await work.session.execute(kept)]
    assert people
    assert len(rows) == len(set(rows))
    assert set(rows) == wanted


async def numbers(client, org, typed: str, **query: object) -> list[str]:
    answer = await client.get(URL, params={"q": typed, "sort": "number", **query}, headers=org.admin.bearer)
    assert answer.status_code == 200, answer.text
    return [row["number"] for row in answer.json()["data"]]


async def test_words_follow_a_person_through_everything(client, org, other):
    admin = org.admin.bearer

    async def take(text: str, query: str = "") -> str:
        answer = await client.post(f"{URL}/imports{query}", content=text.encode(), headers={**admin, **CSV})
        assert answer.status_code == 201, answer.text
        await assert_kept(org)
        return answer.json()["id"]

    body = {"number": "E-1", "given_name": "Anna", "family_name": "Schmidt", "email": "a.schmidt@x.test"}
    made = await client.post(URL, json=body, headers=admin)
    assert made.status_code == 201, made.text
    url = made.headers["location"]
    await assert_kept(org)
    assert await numbers(client, org, "ann schm") == ["E-1"]
    assert await numbers(client, org, "nna") == []
    assert await numbers(client, other, "anna") == []
    assert (await client.patch(url, json={"family_name": "Müller-Lüdenscheidt"}, headers=admin)).status_code == 200
    await assert_kept(org)
    assert (await numbers(client, org, "LÜDEN"), await numbers(client, org, "smi")) == (["E-1"], [])
    assert (await client.put(url, json=body | {"email": None, "number": "E-2"}, headers=admin)).status_code == 200
    await assert_kept(org)
    assert (await client.patch(url, json={"job_title": "Cook"}, headers=admin)).status_code == 200
    await assert_kept(org)
    assert (await client.delete(url, headers=admin)).status_code == 204
    await assert_kept(org)
    assert (await numbers(client, org, "anna"), await numbers(client, org, "anna", deleted="true")) == ([], ["E-2"])
    assert (await client.post(f"{url}/restore", headers=admin)).status_code == 200
    await assert_kept(org)
    run = await take("number,given_name,family_name,email\nB-1,Bo,Li,bo@x.test\nB-2,Cy,Li,\n")
    assert await numbers(client, org, "li") == ["B-1", "B-2"]
    upsert = await take("number,given_name,family_name\nB-1,Dee,Li\nB-3,Eve,Li\n", "?mode=upsert")
    assert (await numbers(client, org, "dee"), await numbers(client, org, "bo li")) == (["B-1"], ["B-1"])  # the address
    for each in (upsert, run):
        assert (await client.post(f"{URL}/imports/{each}/undo", headers=admin)).status_code == 200
        await assert_kept(org)
    assert await numbers(client, org, "li", deleted="true") == ["B-1", "B-2", "B-3"]
    changes = {"create": [body | {"number": "F-1", "given_name": "Flo"}], "update": [{"id": url.rpartition("/")[2]}]}
    changes["update"][0]["given_name"] = "Gil"
    batch = await client.post(f"{URL}/batch", json=changes, headers=admin)
    assert batch.status_code == 200, batch.text
    await assert_kept(org)
    assert (await numbers(client, org, "flo"), await numbers(client, org, "gil")) == (["F-1"], ["E-2"])


async def test_words_go_with_a_person_who_is_removed_for_good(org, staff):
    async with org.work() as work:
        people = {person.id: person for person in await work.session.scalars(select(Person))}
        gone = people[staff[2].id]  # whom nobody is led by
        for row in await work.session.scalars(select(Placement).where(Placement.person_id == gone.id)):
            await work.session.delete(row)
        await work.session.delete(gone)
        work.record(PersonUpdated(entity=gone))
    await assert_kept(org)
    async with org.work() as work:
        assert (await work.session.scalars(select(PersonWord).where(PersonWord.id == staff[2].id))).all() == []


async def test_a_search_is_for_so_many_words(client, org):
    body = {"number": "E-1", "given_name": "María de los Ángeles", "family_name": "y Gómez Rodríguez Sánchez"}
    assert (await client.post(URL, json=body, headers=org.admin.bearer)).status_code == 201
    name = f"{body['given_name']} {body['family_name']}"
    for typed in (name, f"{name} {name} m ma mar", "  sánchez   MARÍA ", f"E-1 {name[:100]}"):
        assert await numbers(client, org, typed) == ["E-1"], typed
    assert await numbers(client, org, f"{name} other") == []
    answer = await client.get(URL, params={"q": " ".join("abcdefghijklm")}, headers=org.admin.bearer)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "query.q")
    assert "at most 12 words" in answer.json()["errors"][0]["message"]
    assert await numbers(client, org, "x" * 200) == []
    for hostile in ("%", "_", "/", "\\", "'", "100%", "%s", "{", "\U0010ffff", "é%", "$1", "?"):
        assert await numbers(client, org, hostile) == [], hostile
