"""What the tests of the directory share."""

import pytest
from places import Pages, Places


@pytest.fixture
def places(client, org) -> Places:
    return Places(client, org)


@pytest.fixture
def pages(client, org) -> Pages:
    return Pages(client, org)
