"""That a signature is remembered changes nothing of what a token may do."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.core.identity.service.tokens import AccessTokens
from holdfast.kernel.crypto import Keys
from holdfast.kernel.ids import new_id

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_remembered_token_expires() -> None:
    tokens = AccessTokens(Keys.derive("a" * 32), minutes=15)
    tenant_id, session_id = new_id(), new_id()
    token = tokens.issue(tenant_id=tenant_id, user_id=new_id(), session_id=session_id, now=NOW)
    for moment in (NOW, NOW + timedelta(minutes=14)):
        assert tokens.read(token, moment) == (tenant_id, session_id)
    assert tokens.read(token, NOW + timedelta(minutes=15)) is None
    assert tokens.read(token, NOW) == (tenant_id, session_id)


def test_a_token_beside_a_remembered_one_is_refused() -> None:
    tokens, others = AccessTokens(Keys.derive("a" * 32), minutes=15), AccessTokens(Keys.derive("b" * 32), minutes=15)
    token = tokens.issue(tenant_id=new_id(), user_id=new_id(), session_id=new_id(), now=NOW)
    assert tokens.read(token, NOW) is not None
    head, claims, signature = token.split(".")
    for changed in (
        f"{head}.{claims}.{signature[:-2]}AA",
        f"{head}.{claims}.",
        f"{head}.{claims[:-4]}AAAA.{signature}",
        token + "A",
        " ",
    ):
        assert tokens.read(changed, NOW) is None
        assert tokens.read(changed, NOW) is None
    assert others.read(token, NOW) is None
