"""`routes.lock` and `.env.example` are those of the code: `make routes` writes both."""

from pathlib import Path

import pytest

from holdfast.cli.settings import env_example
from holdfast.kernel.discovery import discover, lock_difference
from holdfast.kernel.plugins import installed_apps

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


def test_each_route_is_locked_with_its_permission_and_file():
    apps = [app for app in installed_apps() if app.package.startswith("holdfast.")]
    difference = lock_difference((ROOT / "routes.lock").read_text(), discover(apps))
    assert difference is None, difference


def test_each_locked_file_is_there():
    for line in (ROOT / "routes.lock").read_text().splitlines():
        assert (ROOT / line.split()[3]).is_file(), line


def test_the_example_of_the_settings_is_theirs():
    assert (ROOT / ".env.example").read_text() == env_example()
