"""Keys by command: made once, listed, changed while the database is in use, refused where they are lost."""

import io
import re
import stat

import pytest
from command_line import refused

pytestmark = pytest.mark.service
PASSWORD = "correct horse battery staple"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "kV3pQ9sZ1tR7wY5uM2nB8cL4xJ6hG0dF",
    "ALLOW_SQLITE_IN_PRODUCTION": "true",
}


def words(done) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines() if line.split()]


@pytest.fixture
def organization(here, monkeypatch) -> str:
    assert here("migrate").returncode == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    made = here(
        "create-admin", "ada@left.example", "--organization", "left", "--organization-name", "Left", "--password-stdin"
    )
    assert made.returncode == 0, made.stderr
    return "left"


def test_production_starts_with_the_keys_that_init_makes(here, tmp_path) -> None:
    home = tmp_path / "home"
    url = f"sqlite:///{home}/holdfast.db"
    assert here("migrate", DATABASE_URL=url, **PRODUCTION).returncode == 0, "an empty database has no keys"
    said = refused(here("keys", "list", DATABASE_URL=url, **PRODUCTION))
    assert said == (
        f"MASTER_KEY is required in production; without it {home}/master_keys, which holdfast keys init makes."
    )
    [line, *_] = words(here("keys", "init", DATABASE_URL=url, **PRODUCTION))
    assert re.fullmatch(r"[0-9a-f]{16}", line[2])
    file = home / "master_keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    assert "is there already" in refused(here("keys", "init", DATABASE_URL=url, **PRODUCTION))
    assert file.read_text() == before
    assert words(here("keys", "list", DATABASE_URL=url, **PRODUCTION))[1][0] == line[2]


def test_keys_are_listed_and_changed(here, tmp_path, organization) -> None:
    listed = words(here("keys", "list"))
    [first, use] = next(line[0:2] for line in listed if re.fullmatch(r"[0-9a-f]{16}", line[0]))
    assert use == "in"
    assert [line[:3] for line in listed if line[0] in ("left", "system")] == [
        ["left", "1", first],
        ["system", "1", first],
    ]
    done = words(here("keys", "rotate"))
    second = done[0][2]
    assert second != first
    assert sorted(line for line in done if line[0] in ("left", "system")) == [["left", "1"], ["system", "1"]]
    listed = words(here("keys", "list"))
    assert [second, "in", "use", "2"] in listed
    assert [first, "opens", "0"] in listed
    [_, asked] = words(here("keys", "rotate", "--data", "--slug", organization))
    assert (asked[:2], asked[3:]) == (["left", "0"], ["ready"])
    shown = words(here("jobs", "list", "--organization", organization, "--name", "identity.key.reseal"))
    assert [line[0] for line in shown[1:]] == [asked[2]]
    assert [line[1] for line in words(here("keys", "list")) if line[0] == "left"] == ["1", "2"]
    [_, done] = words(here("keys", "rotate", "--data", "--slug", organization, "--wait"))[-2:]
    assert done[3:] == ["done", "0/0"]
    assert [line[1] for line in words(here("keys", "list")) if line[0] == "left"] == ["3"]
    assert "--slug and --wait go with --data" in refused(here("keys", "rotate", "--slug", "left"))
    assert "no organisation 'none'" in refused(here("keys", "rotate", "--data", "--slug", "none"))


def test_a_rotation_that_was_stopped_is_gone_on_with(here, tmp_path, organization) -> None:
    """The file has a new key first, as after a kill between the two steps: it is put to use, and no third is made."""
    new = words(here("keys", "new"))[0][0]
    file = tmp_path / "home" / "master_keys"
    file.write_text(f"{new}\n{file.read_text()}")
    assert ["left", "1"] in words(here("keys", "rotate"))
    assert len(file.read_text().split()) == 2
    [current] = {line[2] for line in words(here("keys", "list")) if line[0] in ("left", "system")}
    assert [current, "in", "use", "2"] in words(here("keys", "list"))


def test_keys_of_the_setting(here, tmp_path, organization) -> None:
    old = (tmp_path / "home" / "master_keys").read_text().strip()
    assert "its keys are in use" in refused(here("keys", "init", MASTER_KEY=old))
    assert "put a new key" in refused(here("keys", "rotate", MASTER_KEY=old))
    new = words(here("keys", "new"))[0][0]
    assert ["left", "1"] in words(here("keys", "rotate", MASTER_KEY=f"{new},{old}"))
    assert here("keys", "list", MASTER_KEY=new).returncode == 0
    missing = [line for line in words(here("keys", "list", MASTER_KEY=old)) if "missing" in line]
    assert [line[1:] for line in missing] == [["missing", "2"]]


def test_a_lost_master_key_stops_the_start_and_doctor_says_so(here, run, tmp_path, organization) -> None:
    file = tmp_path / "home" / "master_keys"
    file.unlink()
    said = refused(run("serve", "--port", "0"))
    assert re.search(r"master_keys: master key [0-9a-f]{16} is not among those of this installation", said)
    examined = here("doctor")
    assert examined.returncode == 1
    assert re.search(r"wrong +keys +Master key [0-9a-f]{16} is not in .*/master_keys", examined.stdout)


def test_a_host_whose_file_was_left_behind_learns_it_from_doctor(here, tmp_path, organization) -> None:
    file = tmp_path / "home" / "master_keys"
    old = file.read_text()
    second = words(here("keys", "rotate"))[0][2]
    new = file.read_text()
    assert re.search(rf"ok +keys +master key {second}\n", here("doctor").stdout)
    file.write_text(old)  # as on the other host
    said = here("doctor")
    assert said.returncode == 1
    assert f"Master key {second} is not in {file}, but wraps the keys of 2 organisations" in said.stdout
    third = words(here("keys", "new"))[0][0]
    file.write_text(f"{third}\n{new}")
    assert "2 organisations are still wrapped by earlier ones: holdfast keys rotate" in here("doctor").stdout
