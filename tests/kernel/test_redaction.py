"""The one search of a log line never lets through what the search of each value finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.kernel.telemetry import _redacted, redact

pytestmark = pytest.mark.unit

PIECES = st.sampled_from(
    [
        "hf_live_abcdefgh",
        "HF_LIVE_ABCDEFGH",
        "Bearer abcdef123",
        "bAsIc abcdef123",
        "basıc abcdef123",
        "baſic abcdef123",
        "eyJhbGciOi.abc.def",
        "EYJhbGciOi.abc.def",
        "postgresql://user:secret@host",
        "password=hush",
        "paſſword=hush",
        "TOKEN=hush",
        "secret=hush",
        "plain",
        " ",
        "\n",
        "é",
        "0190a3a0-0000-7000-8000-000000000001",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=4).map("".join), st.text(max_size=20))
VALUES = st.one_of(TEXTS, st.integers(), st.none(), st.booleans(), st.lists(TEXTS, max_size=3), TEXTS.map(str.encode))
KEYS = st.sampled_from(["event", "path", "status", "password", "Authorization", "x_api_key", "ip", "user_token"])


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_redacts_a_line_as_it_does_each_value(event: dict[str, object]) -> None:
    expected = {key: _redacted(key, value, 0) for key, value in event.items()}
    assert redact(None, "info", dict(event)) == expected
