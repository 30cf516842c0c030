"""Idempotency keys are kept for a day and then forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from holdfast.kernel.http.idempotency import IdempotencyKey

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/companies"


async def test_a_key_older_than_a_day_is_forgotten(client, org):
    headers = {**org.admin.bearer, "Idempotency-Key": "one and the same"}
    first = await client.post(URL, json={"code": "A", "name": "First"}, headers=headers)
    again = await client.post(URL, json={"code": "A", "name": "First"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    async with org.work() as work:
        (row,) = await work.session.scalars(select(IdempotencyKey))
        row.created_at -= timedelta(hours=25)
    later = await client.post(URL, json={"code": "B", "name": "Second"}, headers=headers)
    assert (later.status_code, later.json()["code"]) == (201, "B")
    async with org.work(write=False) as work:
        assert len((await work.session.scalars(select(IdempotencyKey))).all()) == 1
