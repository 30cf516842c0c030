"""What tests of the kernel share."""

from types import SimpleNamespace

import pytest

from holdfast.kernel.telemetry import configure_logging


@pytest.fixture
def log_lines():
    """Give the list of lines, as bytes of JSON, that are logged during the test."""
    lines = []
    values = {
        "environment": "production",
        "log_level": "INFO",
        "log_file": None,
        "enable_metrics": True,
        "sentry_dsn": "",
    }
    configure_logging(SimpleNamespace(**values), write=lines.append)
    yield lines
    configure_logging(SimpleNamespace(**{**values, "environment": "test"}))
