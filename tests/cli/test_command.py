"""The command as people meet it: help with an example, one line for an error."""

import json
from pathlib import Path

import pytest
from command_line import refused

from holdfast.cli import main
from holdfast.cli.commands import app
from holdfast.cli.settings import env_example

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(
    [(command.name or command.callback.__name__.replace("_", "-"),) for command in app.registered_commands]
    + [
        (group.name, command.name or command.callback.__name__)
        for group in app.registered_groups
        for command in group.typer_instance.registered_commands
    ]
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_shows_an_example(command, capsys):
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example:" in shown
    assert f"holdfast {' '.join(command)}" in shown


def test_the_commands_are_the_promised_ones():
    assert {("serve",), ("migrate",), ("create-admin",), ("doctor",), ("settings",)} <= set(COMMANDS)
    assert {("routes",), ("openapi",), ("people", "import"), ("audit", "entries")} <= set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["sevre"], {}, 2, "No such command"),
        (["serve", "--port", "many"], {}, 2, "--port"),
        (["serve", "--workers", "0"], {}, 2, "--workers"),
        (["audit", "entries"], {}, 2, "--organization"),
        (["serve", "--demo", "--host", "0.0.0.0"], {"ENVIRONMENT": "development"}, 1, "DEMO"),
        (["serve", "--host", "0.0.0.0"], {}, 1, "ENVIRONMENT"),
        (["serve", "--reload"], {"ENVIRONMENT": "test"}, 1, "--reload"),
        (["serve", "--reload", "--workers", "2"], {}, 1, "--reload"),
        (["serve", "--host", "203.0.113.7"], {"ENVIRONMENT": "test"}, 1, "HOST 203.0.113.7"),
        (["serve"], {"PORT": "many"}, 1, "PORT"),
        (["serve"], {"SENTRY_DSN": "https://key@sentry.example/1"}, 1, "SENTRY_DSN"),
        (["serve"], {"TRUSTED_PROXIES": "nope"}, 1, "TRUSTED_PROXIES"),
        (["doctor"], {"TRUSTED_PROXIES": "nope"}, 1, "TRUSTED_PROXIES"),
        (["serve"], {"ENVIRONMENT": "production"}, 1, "SECRET_KEY"),
        (["migrate"], {"DATABASE_URL": "oracle://x/y"}, 1, "DATABASE_URL"),
        (["migrate"], {"DATABASE_URL": "sqlite:////proc/none/x.db"}, 1, ""),
        (["migrate", "--create-role"], {}, 1, "PostgreSQL"),
        (["settings"], {"DB_PASSWORD": "hunter2"}, 1, "DB_NAME"),
        (["audit", "entries", "--organization", "x"], {}, 1, "holdfast migrate"),
        (["audit", "entries", "--organization", "x", "--outcome", "odd"], {}, 1, "outcome"),
    ],
)
def test_an_error_is_one_line_and_a_code(here, arguments, variables, code, said):
    line = refused(here(*arguments, **variables), code)
    assert said in line
    assert "Traceback" not in line
    assert "hunter2" not in line


@pytest.mark.parametrize("arguments", [(), ("people",)])
def test_a_command_without_anything_shows_help_and_no_error(here, arguments):
    result = here(*arguments)
    assert "Usage: holdfast" in result.stdout
    assert result.stderr == ""


def test_an_error_of_the_command_in_a_process_of_its_own(run):
    assert refused(run("sevre"), 2).startswith("No such command 'sevre'.")
    assert "DB_NAME" in refused(run("settings", DB_PASSWORD="hunter2"))


def test_production_names_each_refusal(here):
    line = refused(
        here(
            "serve",
            "--demo",
            ENVIRONMENT="production",
            SECRET_KEY="kW9-vR2xQ7_mT4bZ8nL5cJ1hF6gD3sA0pYuE",
            DATABASE_URL="sqlite:///x.db",
            DEBUG="true",
            ALLOWED_ORIGINS="*",
            RATE_LIMIT_ENABLED="false",
        )
    )
    for name in ("DEMO", "DEBUG", "ALLOWED_ORIGINS", "RATE_LIMIT_ENABLED", "DATABASE_URL"):
        assert f"{name}" in line


def test_settings_say_where_they_came_from(here):
    result = here("settings", DATABASE_URL="postgresql://u:hunter2@h/x", HOLDFAST_PORT="81")
    assert result.returncode == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "HOLDFAST_PORT in the environment" in lines["PORT"]
    assert "postgresql://********@h/x" in lines["DATABASE_URL"]
    assert "hunter2" not in result.stdout + result.stderr


def test_the_example_of_a_settings_file_is_current():
    assert (ROOT / ".env.example").read_text() == env_example(), "make routes writes it anew"


def test_the_example_sets_nothing():
    assert all(line.startswith("#") or not line for line in env_example().splitlines())


def test_openapi_is_json_alone(run):
    result = run("openapi", ALLOWED_HOSTS="intranet.example.org")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["openapi"].startswith("3.1")


def test_routes_are_the_lock(here, tmp_path):
    written = here("routes").stdout
    assert " src/holdfast/core/identity/endpoints/auth/login.py\n" in written
    (tmp_path / "routes.lock").write_text(written)
    assert here("routes", "--check").returncode == 0
    (tmp_path / "routes.lock").write_text(written.replace("GET", "PUT", 1))
    assert "routes.lock" in refused(here("routes", "--check"))
