"""`holdfast serve` as a process: it comes up, says where, and stops when asked."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest
from command_line import COMMAND, bare_environment, refused

pytestmark = pytest.mark.service


@contextmanager
def serving(folder, *options, **variables):
    """Yield the process and the port of a server that has said where it serves; it is stopped at the end."""
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
                yield process, int(said[1])
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


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two"])
def test_the_server_answers_and_ctrl_c_stops_it_cleanly(tmp_path, options):
    with serving(tmp_path, *options) as (process, port):
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
    begun = "print('begun', flush=True); import sys; from holdfast.cli import main; sys.exit(main())"
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
    with serving(tmp_path, "--demo") as (_, port):
        assert get(port, "/health/ready")[0] == 200


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two"])
def test_what_stands_before_a_body_has_a_limit(tmp_path, options):
    with serving(tmp_path, *options) as (_, port):
        status, headers, body = get(port, "/health/live", **{"X-A": "a" * 70_000})
        assert (status, headers["content-type"]) == (431, "application/problem+json"), body
        assert get(port, "/health/live", **{"X-A": "a" * 60_000})[0] == 200


def test_options_reach_every_worker(tmp_path):
    with serving(tmp_path, "--workers", "2", APP_NAME="Elsewhere", ENVIRONMENT="test") as (_, port):
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
