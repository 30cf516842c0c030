"""What the tests of the directory share."""

import pytest
from places import Places


@pytest.fixture
def places(client, org) -> Places:
    return Places(client, org)
