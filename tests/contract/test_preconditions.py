"""If-Match holds wherever a record with a version is changed: a route is asked because it exists."""

import pytest
from operations import API, Stage, fill, key_of, parameters, prepare
from rows import changed, dump

from holdfast.kernel.discovery import Endpoint

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
# Operations on what has no version: a session, key, membership, factor or role of a user is there or has ended, and a
# job is retried or cancelled by its state.
APART = ("/jobs", "/sessions", "/api-keys", "/impersonate", "/members", "{user_id}/roles", "/mfa", "/password")
APART += ("/uploads", "/links", "/suppressions", "/events", "/inbox", "/preview")
UNVERSIONED = frozenset(key_of(endpoint) for endpoint in API if any(part in endpoint.path for part in APART))
CHANGING = [
    endpoint
    for endpoint in API
    if endpoint.method in ("PUT", "PATCH", "DELETE") or (endpoint.method == "POST" and parameters(endpoint))
    if key_of(endpoint) not in UNVERSIONED
]
STALE = {"of another version": '"9"', "weak, which never matches": 'W/"1"', "weak, and the newest": 'W/"2"'}


@pytest.mark.parametrize("endpoint", CHANGING, ids=key_of)
async def test_a_changed_record_is_changed_by_nobody_who_has_not_seen_it(
    endpoint: Endpoint, stage: Stage, owner
) -> None:
    await fill(stage, endpoint)
    request = await prepare(stage, endpoint)
    before = await dump(owner.engine, stage.org.id)
    for what, tag in STALE.items():
        headers = {**stage.org.admin.bearer, "If-Match": tag}
        refused = await stage.send(key_of(endpoint), headers=headers, **request)
        assert (refused.status_code, refused.json()["code"]) == (412, "VERSION_CHANGED"), (what, refused.text)
    assert changed(before, await dump(owner.engine, stage.org.id)) == set()
    headers = {**stage.org.admin.bearer, "If-Match": "*"}
    done = await stage.send(key_of(endpoint), headers=headers, **request)
    assert done.is_success, done.text
