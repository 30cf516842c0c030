"""Pages whose commands are run as they are written, and what is shown below each compared with what comes.

A line `NAME=value  # field` takes its value from the field of the answer before; `# key` and the like from what was
shown last. `…` stands for whatever else there is; a text with three digits in a row, or an id, for any.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8000"
MORE = "…"
_ASSIGNMENT = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S+)(?:  # (.+))?")
# What differs from one run to another, in the text that a command prints.
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d{2}-\d{2}T[\d:.]+Z|\d{1,2} [A-Z][a-z]{2} \d{4}, \d{2}:\d{2} UTC|(?<=token=)[\w-]+|(?<=code=)[\w-]+|hf\w*_[\w-]+|\b[0-9a-f]{16}\b"
)


@dataclass(frozen=True)
class Step:
    """A line that is typed, and what the page shows below it."""

    typed: str
    shown: str


def steps(page: str) -> list[Step]:
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            typed, _, shown = part.partition("\n")
            while typed.endswith("\\"):
                more, _, shown = shown.partition("\n")
                typed = typed.removesuffix("\\") + more.strip().removeprefix("> ")
            found.append(Step(typed, shown))
    return found


def read(answer: str) -> tuple[str | None, dict[str, str], object]:
    """Return status line, headers and JSON of what curl prints; None for an empty body."""
    head, body = None, answer
    if answer.startswith("HTTP/"):
        head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.split("\n") if head else [None]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return status, headers, json.loads(body) if body.strip() else None


def differences(shown: object, real: object, where: str = "") -> Iterator[str]:
    """Tell where the shown value has another shape; `…` stands for whatever else there is."""
    if isinstance(shown, dict) and isinstance(real, dict):
        missing = {name for name in shown if name != MORE and name not in real}
        untold = set() if MORE in shown else set(real) - set(shown)
        yield from (f"{where}.{name}" for name in sorted(missing | untold))
        for name in set(shown) & set(real):
            yield from differences(shown[name], real[name], f"{where}.{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        told = [each for each in shown if each != MORE]
        if len(told) != len(real) and MORE not in shown:
            yield f"{where}: {len(told)} shown, {len(real)} are there"
        for at, (one, other) in enumerate(zip(told, real, strict=False)):
            yield from differences(one, other, f"{where}[{at}]")
    elif type(shown) is not type(real) or (
        isinstance(shown, str) and not re.search(r"\d{3}|…|^[0-9a-f]{8}-", shown) and shown != real
    ):
        yield f"{where}: {shown!r} is shown, {real!r} is there"


def printed(shown: str, told: str) -> bool:
    """Tell whether a text is the one that is shown, but for ids, moments and secrets; a line `…` stands for some."""
    lines = [_VARYING.sub(MORE, line.rstrip()) for line in shown.splitlines() if line.strip()]
    real = "".join(f"{_VARYING.sub(MORE, line.rstrip())}\n" for line in told.splitlines() if line.strip())
    pattern = "".join(r"(?:.*\n)+" if line == MORE else re.escape(f"{line}\n") for line in lines)
    return re.fullmatch(pattern, real) is not None


@dataclass
class Walk:
    """A shell that goes through a page: its folder, its variables, the server's address, the last answer."""

    folder: Path
    environment: dict[str, str]
    url: str = ADDRESS
    known: dict[str, str] = field(default_factory=dict)
    last: object = None
    told: str = ""
    # What a comment after an assignment says besides a field: how the value is come by.
    sources: dict[str, Callable[["Walk"], str]] = field(default_factory=dict)
    trace: Callable[[Step, str], None] = lambda step, told: None

    def go(self, each: Step) -> None:
        """Do one step, and fail where the page does not show what comes."""
        file = re.fullmatch(r"cat (\S+\.csv)", each.typed)
        if file:
            (self.folder / file[1]).write_text(each.shown)
        elif assignment := _ASSIGNMENT.fullmatch(each.typed):
            self._assign(*assignment.groups())
        elif each.typed.startswith("curl "):
            self._call(each)
        else:
            told = self.run(each.typed)
            self.trace(each, told)
            assert printed(each.shown, told), (each.typed, told)

    def run(self, line: str) -> str:
        """Return what a line prints, with the address that the page knows; fail with what it complains of."""
        done = subprocess.run(
            ["bash", "-c", line.replace(ADDRESS, self.url)],
            cwd=self.folder,
            env={**self.environment, **self.known},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not (done.returncode and done.stderr), (line, done.stdout, done.stderr)
        self.told = done.stdout.replace(self.url, ADDRESS)
        return self.told

    def _assign(self, name: str, value: str, source: str | None) -> None:
        value = value.strip("\"'").replace(ADDRESS, self.url)
        if source in self.sources:
            value = self.sources[source](self)
        elif source is not None:
            found = self.last
            for part in source.split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
            value = re.sub(r"\S+$", lambda _: str(found), value)
        self.known[name] = value

    def _call(self, each: Step) -> None:
        told = self.run(each.typed)
        self.trace(each, told)
        status, headers, self.last = read(told)
        shown_status, shown_headers, shown = read(each.shown)
        assert status == shown_status, (each.typed, told)
        for name, value in shown_headers.items():
            assert re.sub(r"[0-9a-f-]{36}", MORE, headers[name]) == re.sub(r"[0-9a-f-]{36}", MORE, value), each.typed
        assert list(differences(shown, self.last)) == [], (each.typed, told)
