"""`holdfast serve` as a process: it comes up, says where, and stops when asked."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from command_line import COMMAND, bare_environment, on_postgresql, refused

from support import POSTGRES

pytestmark = pytest.mark.service
PASSWORD = "correct horse battery staple"
MEGABYTES = 200  # with what was read once to load the demo it has 235
LATER_START = 30.0  # of a machine that does other things too


@contextmanager
def serving(folder, *options, **variables):
    """Yield the process, the port and the lines of a server that has said where it serves; it is stopped at the end."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *options],
        cwd=folder,
        env=bare_environment(folder / "home", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        seen = []
        for line in process.stdout:
            seen.append(line)
            if said := re.search(r"serves at http://127\.0\.0\.1:(\d+)", line):
                yield process, int(said[1]), seen
                break
        else:
            pytest.fail("".join(seen))
    finally:
        # Its workers too: one that lived on would hold the pipe, and the port.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def get(port, path, seconds=60, **headers):
    """Return status, headers and body once the server answers."""
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def post(port, path, body):
    """Return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two"])
def test_the_server_answers_and_ctrl_c_stops_it_cleanly(tmp_path, options):
    with serving(tmp_path, *options) as (process, port, _):
        status, headers, _ = get(port, "/health/ready")
        assert status == 200
        assert "server" not in headers
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest
        with pytest.raises(OSError):
            get(port, "/health/live", seconds=0)


def test_ctrl_c_while_it_starts_is_quiet_and_leaves_what_starts_again(tmp_path):
    # Python itself is up once it says so; what follows are seconds of imports, then the migrations, then the demo.
    # A shell that runs the tests in the background ignores SIGINT, and so would its children.
    begun = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "print('begun', flush=True); from holdfast.cli import main; sys.exit(main())"
    )
    for moment in (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0):
        process = subprocess.Popen(
            [sys.executable, "-c", begun, "serve", "--demo", "--port", "0"],
            cwd=tmp_path,
            env=bare_environment(tmp_path / "home"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout.readline() == "begun\n"
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert "Traceback" not in said, (moment, said)
        assert process.returncode in {0, 130}, (moment, process.returncode, said)
    with serving(tmp_path, "--demo") as (_, port, _):
        assert get(port, "/health/ready")[0] == 200


def test_what_is_ended_while_it_prepares_leaves_nobody_behind(tmp_path):
    home = tmp_path / "home"
    process = subprocess.Popen(
        [*COMMAND, "serve", "--demo", "--port", "0"], cwd=tmp_path, env=bare_environment(home), stderr=subprocess.PIPE
    )
    ends = time.monotonic() + 60
    while not (home / "holdfast.db").exists():  # it is being prepared
        assert time.monotonic() < ends
        time.sleep(0.05)
    [copy] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (-signal.SIGTERM, b"")
    while (place := Path("/proc") / copy / "stat").exists() and place.read_text().split()[2] != "Z":
        assert time.monotonic() < ends, "it goes on"
        time.sleep(0.01)


def test_ctrl_c_is_not_lost_where_an_import_swallows_exceptions(tmp_path):
    swallowing = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Swallows:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'holdfast.cli.commands':\n"
        "            try:\n"
        "                os.kill(os.getpid(), signal.SIGINT)\n"
        "            except KeyboardInterrupt:\n"
        "                pass\n"
        "sys.meta_path.insert(0, Swallows())\n"
        "from holdfast.cli import main\n"
        "sys.exit(main(['--version']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", swallowing],
        cwd=tmp_path,
        env=bare_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two"])
def test_what_stands_before_a_body_has_a_limit(tmp_path, options):
    with serving(tmp_path, *options) as (_, port, _):
        status, headers, body = get(port, "/health/live", **{"X-A": "a" * 70_000})
        assert (status, headers["content-type"]) == (431, "application/problem+json"), body
        assert get(port, "/health/live", **{"X-A": "a" * 60_000})[0] == 200


def test_the_demo_shows_its_progress_and_says_where_and_how_to_sign_in(tmp_path):
    quick = {"ARGON2_MEMORY_KIB": "64", "ARGON2_TIME_COST": "1"}
    with serving(tmp_path, "--demo", FORCE_COLOR="1", **quick) as (process, port, seen):
        said = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", "".join(seen))
        shown = [int(done) for done in re.findall(r"MedCare.*?(\d+)/\d{4}", said)]
        assert len(set(shown)) > 1
        assert shown == sorted(shown)
        assert "Loaded 5 demo organisations" in said
        assert "superadmin@system.com / SuperAdmin123!" in said
        assert "ceo@" in said
        assert "techstart.com" in said
        assert "password123" in said
        assert get(port, "/health/ready")[0] == 200
        resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        assert int(resident[1]) / 1024 < MEGABYTES, "the demo was read in a process of its own"
        body = {"email": "ceo@techstart.com", "password": "password123"}
        assert post(port, "/api/v1/auth/login", body)[0] == 200
    began = time.monotonic()
    with serving(tmp_path, "--demo", **quick) as (_, port, seen):
        assert get(port, "/health/ready")[0] == 200
        assert time.monotonic() - began < LATER_START
        assert "superadmin@system.com" in "".join(seen)
        assert "Loaded" not in "".join(seen)


def test_an_empty_database_prints_a_link_with_which_the_first_administrator_is_made(tmp_path):
    with serving(tmp_path) as (_, port, seen):
        [link] = re.findall(r"http://127\.0\.0\.1:(\d+)(/console/setup\?code=(\S+))", "".join(seen))
        assert int(link[0]) == port
        assert get(port, link[1])[0] == 200
        admin = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD}
        told = {"token": link[2], "organization": "Example Ltd", "slug": "example", **admin}
        assert post(port, "/api/v1/auth/setup", told)[0] == 201
        assert post(port, "/api/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD})[0] == 200
    with serving(tmp_path) as (_, port, seen):
        assert "setup" not in "".join(seen)
        assert get(port, "/health/ready")[0] == 200


def test_a_changed_file_starts_the_server_anew(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("")
    with serving(tmp_path, "--reload") as (process, port, _):
        assert get(port, "/health/ready")[0] == 200
        later = time.time() + 60
        os.utime(code, (later, later))
        for line in process.stdout:
            if "code.py" in line and "Reloading" in line:
                break
        for line in process.stdout:
            if "Started server process" in line:
                break
        assert get(port, "/health/ready")[0] == 200


def test_pending_migrations_are_refused_where_the_start_must_not_migrate(run, tmp_path):
    by_hand = {"MIGRATE_ON_START": "false"}
    assert "holdfast migrate" in refused(run("serve", "--port", "0", **by_hand))
    assert not (tmp_path / "home" / "holdfast.db").exists()
    assert run("migrate").returncode == 0
    with serving(tmp_path, **by_hand) as (_, port, _):
        assert get(port, "/health/ready")[0] == 200


def test_no_connection_of_the_owner_outlives_the_start(tmp_path, database):
    name, role = database
    addresses = {
        "DATABASE_URL": f"postgresql://{role}@127.0.0.1:5432/{name}",
        "MIGRATION_DATABASE_URL": f"{POSTGRES}/{name}",
    }
    with serving(tmp_path, **addresses) as (_, port, _):
        assert get(port, "/health/ready")[0] == 200
        rows = on_postgresql(f"SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = '{name}'")
        assert [row["usename"] for row in rows] == [role]


def test_options_reach_every_worker(tmp_path):
    with serving(tmp_path, "--workers", "2", APP_NAME="Elsewhere", ENVIRONMENT="test") as (_, port, _):
        for _ in range(6):
            assert b'"name":"Elsewhere"' in get(port, "/api/system/info")[2]


def test_a_port_that_is_taken_is_one_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refused(run("serve", "--port", port))
    assert f"PORT {port} cannot be listened on" in line


def test_a_database_that_is_not_ours_is_one_line(run, tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    line = refused(run("serve", "--port", "0", DATABASE_URL=f"sqlite:///{tmp_path}/x.db"))
    assert "database" in line.lower()
