"""Commands that work on a database."""

import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import COMMAND, bare_environment, refused

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.service


def create(run, email="ada@example.org", *options, password=PASSWORD):
    return run(
        "create-admin",
        email,
        "--organization",
        "example",
        "--password-stdin",
        *options,
        stdin=password + "\n",
        ARGON2_MEMORY_KIB="64",
        ARGON2_TIME_COST="1",
    )


def test_a_first_administrator_and_what_the_trail_says(run):
    assert "from an empty database to" in run("migrate").stdout
    assert "There is no organisation" in refused(create(run))
    made = create(run, "ada@example.org", "--organization-name", "Example Ltd")
    assert (made.returncode, made.stdout) == (0, "ada@example.org can sign in to example as Admin\n"), made.stderr
    listed = run("audit", "entries", "--organization", "example", "--json")
    entries = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {entry["action"] for entry in entries} >= {"identity.user.created", "directory.organization.founded"}
    assert PASSWORD not in listed.stdout
    table = run("audit", "entries", "--organization", "example", "--action", "identity.user.created").stdout
    assert len(table.splitlines()) == 2
    assert "already" in refused(create(run)).lower()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return an embedded database that was migrated once."""
    home = tmp_path_factory.mktemp("template")
    subprocess.run([*COMMAND, "migrate"], env=bare_environment(home), cwd=home, check=True, capture_output=True)
    return home / "holdfast.db"


@pytest.fixture
def migrated(run, tmp_path, template):
    (tmp_path / "home").mkdir()
    shutil.copy(template, tmp_path / "home")
    return run


def test_people_from_a_file(migrated, tmp_path):
    made = create(migrated, "ada@example.org", "--organization-name", "Example Ltd")
    assert made.returncode == 0, made.stderr
    file = tmp_path / "staff.csv"
    arguments = ("people", "import", "staff.csv", "--organization", "example")
    assert "staff.csv" in refused(migrated(*arguments))
    file.write_text("number,given_name,family_name\n1,Ada,Lovelace\n1,Ada,Again\n")
    dry = migrated(*arguments, "--dry-run")
    assert (dry.returncode, dry.stdout.splitlines()[-1]) == (
        1,
        "2 rows, 1 faults; 0 would be created, 0 would be updated, 0 unchanged",
    )
    broken = migrated(*arguments)
    assert "1 fault in 2 rows" in refused(broken)
    assert "line 3" in broken.stdout
    file.write_text("number,given_name,family_name\n1,Ada,Lovelace\n2,Charles,Babbage\n")
    done = migrated(*arguments)
    assert (done.returncode, done.stdout) == (0, "2 rows, 0 faults; 2 created, 0 updated, 0 unchanged\n"), done.stderr
    assert "no organisation" in refused(migrated("people", "import", "staff.csv", "--organization", "other"))
    trail = migrated("audit", "entries", "--organization", "example", "--entity-type", "person", "--json").stdout
    assert len(trail.splitlines()) == 2


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("ada@example.org", "short", "password"),
        ("ada@example.org", "ada@example.org-2026", "password"),
        ("ada@example.org", f"{PASSWORD}\0", "NUL"),
        ("not an address", PASSWORD, "EMAIL"),
    ],
)
def test_an_administrator_needs_an_address_and_a_good_password(migrated, email, password, said):
    line = refused(create(migrated, email, "--organization-name", "Example Ltd", password=password))
    assert said in line
    assert password == PASSWORD or password not in line


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--organization", "X Y"),
        ("--organization", ""),
        ("--organization", "../x"),
        ("--organization", "SYSTEM"),
        ("--organization", "Ünï"),
        ("--organization", "x" * 64),
        ("--organization-name", ""),
        ("--organization-name", "Example\nLtd"),
        ("--organization-name", "x" * 201),
        ("--name", ""),
        ("--name", "Ada\r\nLovelace"),
        ("--name", "x" * 300),
        ("--name", "\udcff"),
        ("EMAIL", "ada@exam\nple.org"),
        ("EMAIL", "nobody"),
        ("EMAIL", f"{'x' * 250}@example.org"),
    ],
)
def test_what_the_api_does_not_take_for_an_administrator_the_command_does_not_either(
    here, monkeypatch, tmp_path, option, value
):
    given = {"--organization": "example", "--organization-name": "Example Ltd", "--name": "Ada"}
    email = value if option == "EMAIL" else "ada@example.org"
    options = [part for pair in (given if option == "EMAIL" else {**given, option: value}).items() for part in pair]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    line = refused(here("create-admin", email, *options, "--password-stdin"))
    assert line.startswith(f"{option} ")
    assert len(line) < 150
    assert not (tmp_path / "home" / "holdfast.db").exists()


def test_check_changes_nothing(run, tmp_path):
    first = run("migrate", "--check")
    assert first.returncode == 1
    assert "at nothing, needs" in first.stdout
    assert left_by(tmp_path) == []
    assert run("migrate").returncode == 0
    assert run("migrate", "--check").returncode == 0
    assert run("migrate").stdout.startswith("at ")


def left_by(folder: Path) -> list[str]:
    """Return what a command has made; the secret is made by whatever is first."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "secret_key")


@pytest.mark.parametrize("variables", [{}, {"DATABASE_URL": "sqlite:///deep/down/x.db"}], ids=["home", "elsewhere"])
def test_the_doctor_makes_no_database(here, tmp_path, variables):
    sick = here("doctor", **variables)
    assert sick.returncode == 1
    assert "holdfast migrate makes it" in sick.stdout
    assert "nothing is missing" not in here("migrate", "--check", **variables).stdout
    assert "holdfast migrate" in refused(here("audit", "entries", "--organization", "x", **variables))
    assert left_by(tmp_path) == []
    assert not (tmp_path / "deep").exists()


def test_the_doctor_finds_what_is_wrong(migrated, tmp_path):
    assert migrated("doctor").returncode == 0  # makes the secret
    secret = tmp_path / "home" / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)
    with sqlite3.connect(tmp_path / "home" / "holdfast.db") as connection:
        connection.execute("DROP TRIGGER audit_entry_no_update")
    sick = migrated("doctor", ENVIRONMENT="test", DEMO="1", HOST="0.0.0.0")
    assert sick.returncode == 1
    wrong = [line for line in sick.stdout.splitlines() if line.startswith("wrong")]
    assert [line.split()[1].rstrip(",") for line in wrong] == ["settings", "secrets", "migrations"]
    assert "audit_entry_no_update" in sick.stdout


def test_the_doctor_reports_a_database_out_of_reach(run):
    sick = run("doctor", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", SECRET_KEY="x" * 40)
    assert sick.returncode == 1
    assert "wrong  database" in sick.stdout


def test_plain_alembic_works(tmp_path):
    environment = bare_environment(tmp_path / "home", PYTHONPATH=os.pathsep.join(sys.path))
    for arguments, said in ((["upgrade", "head"], ""), (["current"], "(head)"), (["history"], "head")):
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert (tmp_path / "home" / "holdfast.db").exists()
