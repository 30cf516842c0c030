"""What becomes of the bytes when an organisation goes for good."""

from datetime import timedelta

import pytest
from uploads import PDF, PNG, kept, made

from holdfast.core.identity.public import purge_due
from holdfast.core.identity.service.platform import delete_organization
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT

pytestmark = pytest.mark.endpoint


async def test_the_bytes_of_an_organisation_go_with_its_rows(client, org, other, home, monkeypatch):
    await made(client, org, PNG, "a.png")
    await made(client, org, PDF, "a.pdf")
    await made(client, other, PNG, "a.png")
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await delete_organization(work, organization_id=org.id, reason="The contract has ended")
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(days=31))
    gone = [each async for each in purge_due(home.works, slug=org.slug)]
    assert [each.slug for each in gone] == [org.slug]
    assert kept(org) == {}
    assert len(kept(other)) == 1
