"""python -m bench.files: upload against a bare handler, and memory while a large file goes up and comes down.

--megabytes N (256) of an upload, --rounds N (5), --large N (2000) megabytes, --only rate,local,s3. On SQLite. The floor
is a bare ASGI handler that writes the same bytes into a file and hashes them, without syncing it. S3 is moto's server.
--strict: exit 1 where a promise is not kept.
"""

import argparse
import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from bench.data import Place, place
from bench.report import OUT, Line
from bench.servers import free_port, ready, served

BLOCK = 1024 * 1024
UPLOAD_RATIO, MOST_GROWTH = 0.5, 30.0
PATTERN = hashlib.shake_256(b"a block of bytes").digest(BLOCK)


def content(megabytes: int, number: int) -> Iterator[bytes]:
    """Yield the blocks of a content that no other number has."""
    yield f"{number:016}".encode() + PATTERN[16:]
    for _ in range(megabytes - 1):
        yield PATTERN


async def floor(scope: Scope, receive: Receive, send: Send) -> None:
    """Write a body into a file and answer with its hash."""
    if scope["type"] != "http":
        return
    if scope["method"] == "POST":
        hashing, more = hashlib.sha256(), True
        with (Path(os.environ["FLOOR_FOLDER"]) / str(time.time_ns())).open("wb") as file:
            while more:
                message = await receive()
                hashing.update(message.get("body", b""))
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def send_up(url: str, headers: dict[str, str], megabytes: int, number: int) -> tuple[float, httpx.Response]:
    """Upload a content and return how many megabytes a second that was, and the answer."""
    length = {"Content-Length": str(megabytes * BLOCK), "Content-Type": "application/octet-stream"}
    begun = time.perf_counter()
    answer = httpx.post(url, content=content(megabytes, number), headers={**headers, **length}, timeout=600)
    taken = time.perf_counter() - begun
    assert answer.status_code in (200, 201), answer.text
    return megabytes / taken, answer


def resident(process: int) -> float:
    """Return the memory of a process, in megabytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 1e6


@contextmanager
def growth(process: int, found: list[float]) -> Iterator[None]:
    """Note by how much the memory of a process is higher at its highest than at the beginning."""
    before, running = resident(process), True
    highest = before

    def watch() -> None:
        nonlocal highest
        while running:
            highest = max(highest, resident(process))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        running = False
        watcher.join()
        found.append(highest - before)


async def rate(at: Place, folder: Path, asked: argparse.Namespace) -> Line:
    """Return the rate of uploads beside the floor's, taking turns."""
    port, log = free_port(), OUT / "files_floor.log"
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-m", "bench.files", "--floor", str(port)]
    scratch = folder / "floor"
    scratch.mkdir()
    bearer = {"Authorization": f"Bearer {at.token}"}
    with log.open("wb") as out:
        bare = subprocess.Popen(command, stdout=out, stderr=out, env={**clean, "FLOOR_FOLDER": str(scratch)})
    ratios = []
    try:
        await ready(port, bare, log)
        async with served(at, floor=False, log=OUT / "files.log") as server:
            url = f"http://127.0.0.1:{server.port}/api/v1/files?name=a.bin"
            for number in range(asked.rounds):
                theirs, _ = await asyncio.to_thread(send_up, f"http://127.0.0.1:{port}/", {}, asked.megabytes, number)
                ours, _ = await asyncio.to_thread(send_up, url, bearer, asked.megabytes, number)
                ratios.append(ours / theirs)
                print(f"upload of {asked.megabytes} MB: bare {theirs:.0f} MB/s, Holdfast {ours:.0f} MB/s", flush=True)
                for file in scratch.iterdir():
                    file.unlink()
    finally:
        bare.terminate()
        bare.wait()
    return Line("upload: rate / bare handler that writes and hashes", median(ratios), UPLOAD_RATIO, at_least=True)


async def memory(at: Place, what: str, asked: argparse.Namespace) -> Line:
    """Return by how much the server's memory grows while a large file goes up and comes down."""
    bearer = {"Authorization": f"Bearer {at.token}"}
    found: list[float] = []
    async with served(at, floor=False, log=OUT / f"files_{what}.log") as server:
        base = f"http://127.0.0.1:{server.port}/api/v1/files"
        # What is loaded with the first request of a kind is no growth.
        _, first = await asyncio.to_thread(send_up, f"{base}?name=warm.bin", bearer, 16, 0)
        httpx.get(f"{base}/{first.json()['id']}/content", headers=bearer, timeout=60)
        await asyncio.sleep(1)
        with growth(server.process.pid, found):
            speed, answer = await asyncio.to_thread(send_up, f"{base}?name=large.bin", bearer, asked.large, 1)
            file = answer.json()
            begun, hashing = time.perf_counter(), hashlib.sha256()

            def come_down() -> None:
                with httpx.stream("GET", f"{base}/{file['id']}/content", headers=bearer, timeout=600) as down:
                    for piece in down.iter_raw():
                        hashing.update(piece)

            await asyncio.to_thread(come_down)
        assert hashing.hexdigest() == file["sha256"]
        down = asked.large / (time.perf_counter() - begun)
        print(f"{asked.large} MB, {what}: up {speed:.0f} MB/s, down {down:.0f} MB/s", flush=True)
    title = f"memory while {asked.large} MB go up and come down, {what}"
    return Line(title, found[0], MOST_GROWTH, at_least=False, unit=" MB")


@contextmanager
def bucket(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the settings of a bucket in moto's server, in a process of its own."""
    port = free_port()
    clean = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    with (OUT / "moto.log").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=clean) as moto:
        try:
            for _ in range(200):
                try:
                    httpx.put(f"http://127.0.0.1:{port}/bench")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield {
                "STORAGE": "s3",
                "S3_BUCKET": "bench",
                "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "bench",
                "AWS_SECRET_ACCESS_KEY": "bench",
            }
        finally:
            moto.terminate()


async def main() -> int:
    """Measure and print; return 1 with --strict where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.files", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=2000)
    parser.add_argument("--only", default="rate,local,s3")
    parser.add_argument("--strict", action="store_true")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=OUT) as name:
        folder = Path(name)
        async with place("sqlite", folder) as made:
            # Its limits would stop what is measured, and only production insists on them.
            more = {"ENVIRONMENT": "staging", "RATE_LIMIT_ENABLED": "false", "FILES_QUOTA_MB": "0"}
            at = replace(made, environment={**made.environment, **more})
            if "rate" in asked.only:
                lines.append(await rate(at, folder, asked))
            if "local" in asked.only:
                lines.append(await memory(at, "local", asked))
            if "s3" in asked.only:
                with bucket(folder) as settings:
                    in_bucket = replace(at, environment={**at.environment, **settings})
                    lines.append(await memory(in_bucket, "s3", asked))
        shutil.rmtree(folder / "floor", ignore_errors=True)
    for line in lines:
        print(line.text())
    return int(asked.strict and not all(line.passed for line in lines))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--floor"]:
        uvicorn.run(floor, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False, lifespan="off")
    else:
        sys.exit(asyncio.run(main()))
