"""What no operation asks for is refused by every operation: a route is asked because it exists."""

from typing import get_type_hints

import pytest
from fastapi.params import Form
from operations import ALONE, API, Stage, fill, key_of, prepare
from rows import changed, dump

from holdfast.kernel.discovery import Endpoint
from holdfast.kernel.schemas import Inward

pytestmark = pytest.mark.endpoint
PROBLEM = "application/problem+json"


def places(answer) -> list[str]:
    assert answer.headers["content-type"] == PROBLEM, answer.text
    return [error["location"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("endpoint", API, ids=key_of)
async def test_an_unknown_parameter_is_refused_and_nothing_is_done(endpoint: Endpoint, stage: Stage, owner) -> None:
    await fill(stage, endpoint)
    request = {"json": {}} if key_of(endpoint) in ALONE else await prepare(stage, endpoint)
    before = await dump(owner.engine, stage.org.id)
    for query, place in (("dry_rum=true", "query.dry_rum"), ("a%00b=1", "query.a\0b")):
        key = f"{endpoint.method} {endpoint.path}?{query}"
        answer = await stage.send(key, headers=stage.org.admin.bearer, **request)
        assert answer.status_code == 422, answer.text
        assert place in places(answer)
    assert changed(before, await dump(owner.engine, stage.org.id)) == set()


def takes_a_body(endpoint: Endpoint) -> bool:
    hints = get_type_hints(endpoint.declared.function, include_extras=True).values()
    models = [each for each in hints if isinstance(each, type) and issubclass(each, Inward)]
    forms = [each for each in hints if any(isinstance(mark, Form) for mark in getattr(each, "__metadata__", ()))]
    return bool(models or forms or "body" in endpoint.declared.options)


WITHOUT_A_BODY = [each for each in API if each.method in ("POST", "DELETE") and not takes_a_body(each)]


@pytest.mark.parametrize("endpoint", WITHOUT_A_BODY, ids=key_of)
async def test_a_body_that_an_operation_does_not_take_is_refused(endpoint: Endpoint, stage: Stage, owner) -> None:
    await fill(stage, endpoint)
    assert await prepare(stage, endpoint) == {}
    before = await dump(owner.engine, stage.org.id)
    for content in (b'{"all": NaN', b'{"cascade": true}'):
        headers = {**stage.org.admin.bearer, "Content-Type": "application/json"}
        answer = await stage.send(key_of(endpoint), headers=headers, content=content)
        assert answer.status_code == 422, answer.text
        assert places(answer) == ["body"]
    assert changed(before, await dump(owner.engine, stage.org.id)) == set()


@pytest.mark.portable
async def test_a_nul_in_a_filter_is_refused_by_name(stage: Stage) -> None:
    for path, names in {
        "/api/v1/audit/entries": ("q", "action", "entity_type", "ip", "request_id", "sort"),
        "/api/v1/org/companies": ("q", "code", "sort", "cursor"),
        "/api/v1/users": ("q", "email"),
    }.items():
        for name in names:
            answer = await stage.client.get(f"{path}?{name}=a%00b", headers=stage.org.admin.bearer)
            assert answer.status_code == 422, (name, answer.text)
            assert places(answer) == [f"query.{name}"]


async def test_a_form_is_read_from_a_form_only(stage: Stage) -> None:
    for kind, content in (("application/json", b'{"username": "x", "password": "y"}'), ("text/plain", b"username=x")):
        answer = await stage.client.post("/api/v1/auth/token", content=content, headers={"Content-Type": kind})
        assert answer.status_code == 415, answer.text
        assert places(answer) == ["header.Content-Type"]


async def test_what_is_wrong_with_the_body_as_a_whole_has_its_place(stage: Stage) -> None:
    url, bearer = "/api/v1/org/companies", stage.org.admin.bearer
    answer = await stage.client.post(url, content=b"code=A", headers={**bearer, "Content-Type": "text/plain"})
    assert (answer.status_code, places(answer)) == (415, ["header.Content-Type"])
    large = {"Content-Type": "application/json", **bearer}
    answer = await stage.client.post(url, content=b'"' + b"x" * 1_100_000 + b'"', headers=large)
    assert (answer.status_code, places(answer)) == (413, ["body"])


@pytest.mark.parametrize(
    "text",
    ["a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "\u200b", "\u2060\ufeff", "a\ufffeb", "a\U0001ffffb"],
)
async def test_a_name_is_one_line_that_can_be_seen_and_reads_as_it_is_written(text: str, stage: Stage) -> None:
    body = {"code": "ONE-1", "name": text}
    answer = await stage.client.post("/api/v1/org/companies", json=body, headers=stage.org.admin.bearer)
    assert answer.status_code == 422, answer.text
    assert places(answer) == ["body.name"]


async def test_names_of_every_script_are_taken(stage: Stage) -> None:
    for number, name in enumerate(("می\u200cخواهم", "👩\u200d⚕️ ward", "שלום 42", "Łódź – Ærø", "株式会社")):
        body = {"code": f"S-{number}", "name": name}
        answer = await stage.client.post("/api/v1/org/companies", json=body, headers=stage.org.admin.bearer)
        assert (answer.status_code, answer.json()["name"]) == (201, name)
