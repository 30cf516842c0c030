"""What the composition root refuses, whichever way the program is started."""

import pytest

from holdfast.kernel.errors import ConfigurationError
from holdfast.main import app_factory

pytestmark = pytest.mark.unit
SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0f8a7c1d92b34e5f60718293a4b5c6d7e8f9",
    "DATABASE_URL": "postgresql://app@127.0.0.1:1/none",
}


@pytest.mark.parametrize(
    ("unsafe", "named"),
    [
        ({"DEBUG": "true"}, "DEBUG"),
        ({"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS"),
        ({"RATE_LIMIT_ENABLED": "false"}, "RATE_LIMIT_ENABLED"),
        ({"DATABASE_URL": "sqlite:////tmp/none.db"}, "ALLOW_SQLITE_IN_PRODUCTION"),
    ],
)
def test_the_factory_refuses_what_the_command_refuses(monkeypatch, tmp_path, unsafe, named):
    for name, value in {**SAFE, "HOLDFAST_HOME": str(tmp_path), **unsafe}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=named):
        app_factory()
