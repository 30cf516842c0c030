"""Short transactions that are committed together: each alone to itself, all of them on the disk before anybody goes on."""

import asyncio
import sqlite3

import pytest
from database_servers import open_database

from holdfast.kernel.engines import Database, convoys

pytestmark = pytest.mark.unit


@pytest.fixture
async def database(tmp_path):
    made = open_database(f"sqlite:///{tmp_path}/h.db", pool_size=3, pool_timeout=5)
    link = await made.acquire(write=True)
    await link.execute("CREATE TABLE thing (n integer PRIMARY KEY)")
    await link.commit()
    await link.close()
    yield made
    await made.dispose()


def commits_of(database: Database, monkeypatch) -> list[int]:
    """Count what really reaches the file; each transaction's number is added when its commit has returned."""
    [physical] = database._writing._idle
    count = [0]
    end = physical.driver.end_parts

    async def counted(*, commit: bool) -> None:
        count[0] += commit
        await end(commit=commit)

    monkeypatch.setattr(physical.driver, "end_parts", counted)
    return count


def there(tmp_path) -> list[int]:
    """Return what another process sees."""
    with sqlite3.connect(tmp_path / "h.db") as other:
        return [row[0] for row in other.execute("SELECT n FROM thing ORDER BY n")]


async def put(database: Database, number: int, *, fail: bool = False, sql_alchemy: bool = False) -> None:
    link = await database.acquire(write="together")
    try:
        if sql_alchemy:
            await link.connection.exec_driver_sql("INSERT INTO thing VALUES (?)", (number,))
        else:
            await link.execute("INSERT INTO thing VALUES (?)", (number,))
        if fail:
            raise LookupError(number)
        await link.commit()
    finally:
        await link.close()


async def test_they_reach_the_disk_in_one_commit_and_each_is_there_when_its_own_returns(
    database, tmp_path, monkeypatch
) -> None:
    count = commits_of(database, monkeypatch)
    seen = []

    async def one(number: int) -> None:
        await put(database, number, sql_alchemy=number % 2 == 0)
        seen.append(number in there(tmp_path))

    await asyncio.gather(*(one(number) for number in range(20)))
    assert seen == [True] * 20
    assert count == [1]
    assert database.in_use == 0


async def test_one_that_fails_is_undone_alone(database, tmp_path) -> None:
    put_them = [put(database, number, fail=number % 3 == 0, sql_alchemy=number > 5) for number in range(12)]
    done = await asyncio.gather(*put_them, put(database, 1), return_exceptions=True)
    assert [type(each).__name__ for each in done[:4]] == ["LookupError", "NoneType", "NoneType", "LookupError"]
    assert type(done[-1]).__name__ == "ConstraintConflict"
    assert there(tmp_path) == [each for each in range(12) if each % 3]
    assert database.in_use == 0


async def test_who_waits_elsewhere_is_let_in_before_all_who_wait_here(database, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(convoys, "LONGEST_SECONDS", 60.0)
    monkeypatch.setattr(convoys, "AT_MOST", 1_000_000)
    tasks = [asyncio.create_task(put(database, number)) for number in range(500)]
    for _ in range(3):
        await asyncio.sleep(0)
    link = await database.acquire(write=True)
    before = len(there(tmp_path))
    await link.execute("INSERT INTO thing VALUES (-1)")
    await link.commit()
    await link.close()
    await asyncio.gather(*tasks)
    assert before < 500
    assert there(tmp_path) == [-1, *range(500)]


async def test_only_so_many_share_a_commit(database, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(convoys, "LONGEST_SECONDS", 60.0)
    count = commits_of(database, monkeypatch)
    await asyncio.gather(*(put(database, number) for number in range(3 * convoys.AT_MOST)))
    assert count == [3]
    assert len(there(tmp_path)) == 3 * convoys.AT_MOST


async def test_a_commit_is_put_off_for_a_moment_only(database, monkeypatch) -> None:
    count = commits_of(database, monkeypatch)

    async def slowly(number: int) -> None:
        link = await database.acquire(write="together")
        await link.execute("INSERT INTO thing VALUES (?)", (number,))
        await asyncio.sleep(convoys.LONGEST_SECONDS / 2)
        await link.commit()
        await link.close()

    await asyncio.gather(*(slowly(number) for number in range(6)))
    assert count[0] >= 3


async def test_whoever_is_cancelled_as_their_turn_comes_passes_it_on(database, tmp_path) -> None:
    link = await database.acquire(write="together")
    waiting = asyncio.create_task(put(database, 1))
    for _ in range(3):
        await asyncio.sleep(0)
    await link.close()
    waiting.cancel()
    async with asyncio.timeout(5):
        await put(database, 2)
    assert waiting.cancelled()
    assert there(tmp_path) == [2]


async def test_whoever_is_cancelled_harms_nobody_else(database, tmp_path) -> None:
    for turns in range(12):
        tasks = [asyncio.create_task(put(database, turns * 10 + number)) for number in range(6)]
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[turns % 6].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        told = [turns * 10 + at for at, each in enumerate(done) if each is None]
        assert set(told) <= set(there(tmp_path))
        assert len(told) >= 5, done
    assert database.in_use == 0


async def test_where_the_database_undoes_everything_everybody_is_told(database, tmp_path) -> None:
    [physical] = database._writing._idle

    async def undo() -> None:
        link = await database.acquire(write="together")
        physical.driver._raw.execute("ROLLBACK")  # as SQLite itself does when the disk is full
        await link.close()

    done = await asyncio.gather(put(database, 1), put(database, 2), undo(), put(database, 3), return_exceptions=True)
    assert [isinstance(each, Exception) for each in done] == [True, True, False, False], done
    assert there(tmp_path) == [3]
    await put(database, 4)
    assert there(tmp_path) == [3, 4]
