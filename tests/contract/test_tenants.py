"""No operation reaches another organisation's row: generated from the route table."""

import pytest
from operations import (
    ALONE,
    API,
    EVERY,
    KINDS,
    MAKERS,
    REQUESTS,
    Stage,
    fill,
    key_of,
    parameters,
    prepare,
    random_values,
)
from rows import AUDIT, changed, dump, rows

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
WITH_IDS = [endpoint for endpoint in API if set(parameters(endpoint)) - KINDS]


def told(response) -> dict[str, object]:
    """Return what a refused caller learns, apart from the id of the request."""
    return {**response.json(), "request_id": None, "status": response.status_code}


def test_every_path_parameter_has_a_maker_and_every_change_a_request() -> None:
    named = {name for endpoint in API for name in parameters(endpoint)}
    assert named - set(MAKERS) == set(), "path parameters without a maker in operations.py"
    assert set(MAKERS) - named == set(), "makers of parameters that no path has"
    changing = {key_of(endpoint) for endpoint in API if endpoint.method != "GET"}
    assert changing - set(REQUESTS) == ALONE, "changing operations without a valid request in operations.py"
    assert set(REQUESTS) - changing == set(), "requests of operations that are gone"
    assert named >= KINDS


async def test_the_application_has_no_path_with_parameters_beside_the_discovered_ones(client) -> None:
    document = (await client.get("/api/openapi.json")).json()
    assert {path for path in document["paths"] if "{" in path} == {
        endpoint.path for endpoint in EVERY if parameters(endpoint)
    }


@pytest.mark.parametrize("endpoint", WITH_IDS, ids=key_of)
async def test_a_row_is_its_own_organisations_only(endpoint, stage: Stage, stranger, owner) -> None:
    key, verb, org = key_of(endpoint), endpoint.declared.verb, stage.org
    nobody = await stage.user()
    await fill(stage, endpoint)
    request = await prepare(stage, endpoint)
    before = await dump(owner.engine, org.id)
    assert sum(map(len, before.values())) > 10

    denied = await stage.send(key, **request, headers=stranger.bearer)
    real, stage.values = stage.values, random_values(stage)
    absent = await stage.send(key, **request, headers=stranger.bearer)
    stage.values = real
    assert denied.status_code == 404, denied.text
    assert told(denied) == told(absent), "another organisation's row is told apart from one that does not exist"
    anonymous = await stage.send(key, **request)
    assert anonymous.status_code == 401, anonymous.text
    assert changed(before, await dump(owner.engine, org.id)) == set()

    if verb.permission is not None:
        refused = await stage.send(key, **request, headers=nobody.bearer)
        assert refused.status_code == 403, refused.text
        after = await dump(owner.engine, org.id)
        assert changed(before, after) <= AUDIT
        [entry] = [
            row
            for row in (await rows(owner.engine, org.id))["audit_entry"].values()
            if row["request_id"] == refused.headers["x-request-id"]
        ]
        assert (entry["action"], entry["outcome"], entry["actor_id"]) == (verb.name, "refused", nobody.id)

    own = await stage.send(key, **request, headers=org.admin.bearer)
    assert own.is_success, own.text
