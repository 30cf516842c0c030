"""When a person's access ends: after the last day, as the day goes where they work."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.directory.models import day_end
from holdfast.core.directory.public import find_access_end

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ZONES = st.sampled_from(sorted(available_timezones()))
DAY = "2026-06-30"


@pytest.mark.unit
@given(day=st.dates(date(1900, 1, 1), date(9999, 12, 30)), zone=ZONES)
@example(date(2011, 12, 29), "Pacific/Apia")  # the next day was left out
@example(date(2018, 11, 3), "America/Sao_Paulo")  # the next day begins at one
@example(date(2018, 2, 17), "America/Sao_Paulo")  # its last hour comes twice
@example(date(2026, 6, 30), "Asia/Kathmandu")
def test_a_day_ends_with_the_first_moment_that_is_another_day_there(day, zone):
    end = day_end(day, zone)
    if end is not None:
        assert end.astimezone(ZoneInfo(zone)).date() > day
        assert (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() <= day


@pytest.mark.unit
def test_the_last_day_of_all_has_no_end():
    assert day_end(date(9999, 12, 31), "UTC") is None
    assert day_end(date(9999, 12, 30), "America/New_York") == datetime(9999, 12, 31, 5, tzinfo=UTC)
    assert day_end(date(9999, 12, 31), "Asia/Tokyo") is None


def end_in(zone, day=DAY):
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))


async def ends(places, person_id):
    told = (await places.read("people", person_id))["access_ends_at"]
    return told and datetime.fromisoformat(told)


async def test_access_ends_after_the_last_day_where_the_person_works(places, org):
    company = await places.make("companies")
    berlin = await places.make("branches", company_id=company, time_zone="Europe/Berlin")
    plain = await places.make("branches", company_id=company)
    assert (await places.send("PATCH", "", time_zone="America/Chicago")).status_code == 200
    there = await places.make("people", branch_id=berlin, end_date=DAY)
    here = await places.make("people", branch_id=plain, end_date=DAY, status="left")
    nowhere = await places.make("people")
    assert [await ends(places, person) for person in (there, here, nowhere)] == [
        end_in("Europe/Berlin"),
        end_in("America/Chicago"),
        None,
    ]
    await places.send("PATCH", f"people/{nowhere}", end_date=DAY)
    assert await ends(places, nowhere) == end_in("America/Chicago")
    await places.send("PATCH", f"people/{nowhere}", branch_id=berlin)
    assert await ends(places, nowhere) == end_in("Europe/Berlin")
    await places.send("PATCH", f"people/{nowhere}", end_date="2026-07-31")
    assert await ends(places, nowhere) == end_in("Europe/Berlin", "2026-07-31")
    await places.send("PATCH", f"people/{nowhere}", end_date=None)
    assert await ends(places, nowhere) is None
    async with org.work(write=False) as work:
        assert await find_access_end(work, person_id=work.new_id()) is None


async def test_another_time_zone_moves_the_end_of_those_it_holds_for(places, org):
    company = await places.make("companies")
    own = await places.make("branches", company_id=company, time_zone="Asia/Tokyo")
    plain = await places.make("branches", company_id=company)
    everyone = [
        await places.make("people", branch_id=own, end_date=DAY),
        await places.make("people", branch_id=plain, end_date=DAY),
        await places.make("people", end_date="2026-07-31"),
        await places.make("people", branch_id=own),
    ]
    gone = await places.make("people", branch_id=plain, end_date=DAY)
    await places.send("DELETE", f"people/{gone}")

    async def all_ends():
        return [await ends(places, person) for person in everyone]

    assert await all_ends() == [end_in("Asia/Tokyo"), end_in("UTC"), end_in("UTC", "2026-07-31"), None]
    before = await places.read("people", everyone[1])
    await places.send("PATCH", "", time_zone="Europe/London")
    london = [end_in("Europe/London"), end_in("Europe/London", "2026-07-31")]
    assert await all_ends() == [end_in("Asia/Tokyo"), *london, None]
    after = await places.read("people", everyone[1])
    assert {**before, "access_ends_at": None} == {**after, "access_ends_at": None}  # the same version
    assert await places.actions("person", everyone[1]) == ["created"]
    await places.send("PATCH", f"branches/{plain}", time_zone="Europe/Berlin")
    assert await all_ends() == [end_in("Asia/Tokyo"), end_in("Europe/Berlin"), london[1], None]
    await places.send("PATCH", f"branches/{own}", time_zone=None)
    assert await all_ends() == [london[0], end_in("Europe/Berlin"), london[1], None]
    await places.send("POST", f"people/{gone}/restore")
    assert await ends(places, gone) == end_in("Europe/Berlin")


async def test_who_has_left_without_a_last_day_has_no_access_from_that_moment(places, org):
    begun = datetime.now(UTC) - timedelta(seconds=5)
    person = await places.make("people")
    await places.send("PATCH", f"people/{person}", status="left")
    ended = await ends(places, person)
    assert begun < ended <= datetime.now(UTC) + timedelta(seconds=5)
    await places.send("PATCH", f"people/{person}", job_title="Was here", manager_id=await places.make("people"))
    assert await ends(places, person) == ended
    await places.send("PATCH", f"people/{person}", end_date="2999-01-31")
    assert await ends(places, person) == end_in("UTC", "2999-01-31")
    await places.send("PATCH", f"people/{person}", end_date=None)
    assert ended < await ends(places, person) <= datetime.now(UTC) + timedelta(seconds=5)
    await places.send("PATCH", f"people/{person}", status="active")
    assert await ends(places, person) is None


async def test_imported_leavers_have_their_end(places, client, org):
    lines = ["number,given_name,family_name,end_date,status", f"1,A,B,{DAY},left", "2,A,B,,left", "3,A,B,,active"]
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    answer = await client.post("/api/v1/org/people/imports", content="\n".join(lines).encode(), headers=headers)
    assert answer.status_code == 201, answer.text
    rows = (await places.send("GET", "people?sort=number")).json()["data"]
    first, second, third = [row["access_ends_at"] for row in rows]
    assert datetime.fromisoformat(first) == end_in("UTC")
    assert second == rows[1]["created_at"]
    assert third is None


async def test_a_last_day_and_a_time_zone_that_change_at_once_agree(places):
    branch = await places.make("branches", company_id=await places.make("companies"))
    person = await places.make("people", branch_id=branch)
    for number, zone in enumerate(("Asia/Tokyo", "Europe/London", "America/Chicago", "Asia/Kathmandu"), 1):
        day = f"2026-06-{number:02}"
        answers = await asyncio.gather(
            places.send("PATCH", f"branches/{branch}", time_zone=zone),
            places.send("PATCH", f"people/{person}", end_date=day),
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        assert await ends(places, person) == end_in(zone, day)
