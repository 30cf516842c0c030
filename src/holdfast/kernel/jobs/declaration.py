"""What a job is declared to be: `@job("directory.tree.rebuild", retries=3)` in a slice's `jobs.py`."""

import enum
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints
from uuid import UUID

from holdfast.kernel.db import Json
from holdfast.kernel.errors import Invalid
from holdfast.kernel.ids import parse_id
from holdfast.kernel.jobs.running import Run
from holdfast.kernel.work import Work

Handler = Callable[..., Awaitable[None]]
LONGEST_WORD = 40
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}")


class Priority(enum.IntEnum):
    """What goes first; within one priority, what has been due longest."""

    HIGH = 0
    NORMAL = 5
    LOW = 9


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job: who does it, with which ids, how often it is tried, how many of a tenant run at once.

    `retries` counts attempts after the first, `timeout_seconds` each attempt, `concurrency` None is no limit of its
    own. A `long` one takes several units of work.
    """

    name: str
    handler: Handler
    arguments: Mapping[str, type]
    retries: int
    timeout_seconds: float
    concurrency: int | None
    priority: Priority
    long: bool

    def written(self, ids: Mapping[str, object]) -> dict[str, Json]:
        """Return ids as they are stored; raise TypeError naming the one that is absent, unknown or of another type."""
        for name in sorted(self.arguments.keys() ^ ids.keys()):
            raise TypeError(f"the job {self.name} {'needs' if name in self.arguments else 'knows no'} {name}")
        for name, kind in self.arguments.items():
            value = ids[name]
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(f"the job {self.name}: {name} must be {kind.__name__}, not {type(value).__name__}")
        return {name: value if isinstance(value, int) else str(value) for name, value in ids.items()}

    def read(self, stored: Json) -> dict[str, object]:
        """Return stored ids as the handler takes them; raise Invalid where another version stored them."""
        if not isinstance(stored, dict) or stored.keys() != self.arguments.keys():
            raise Invalid(f"The job {self.name} takes other ids than were stored.")
        return {name: _read(name, kind, stored[name]) for name, kind in self.arguments.items()}


# Every job that a loaded module declares, by name.
JOBS: dict[str, Job] = {}


def job(
    name: str,
    *,
    retries: int = 5,
    timeout_seconds: float = 300.0,
    concurrency: int | None = None,
    priority: Priority = Priority.NORMAL,
) -> Callable[[Handler], Job]:
    """Declare a job: `async def handler(work: Work, *, company_id: UUID) -> None`, which calls verbs.

    Its writes and its end are one commit. A handler whose first parameter is a `Run` takes several units of work.
    What it names are UUIDs, integers and words of an enumeration. Raises TypeError for another form, and for a name
    that another job has.
    """

    def declare(handler: Handler) -> Job:
        hints = get_type_hints(handler)
        first, *rest = inspect.signature(handler).parameters.values()
        arguments = {each.name: hints[each.name] for each in rest}
        if (
            not _NAME.fullmatch(name)
            or not inspect.iscoroutinefunction(handler)
            or hints[first.name] not in (Work, Run)
        ):
            raise TypeError(f"the job {name!r}: slice.resource.action, on an async function of a Work or a Run")
        for each in rest:
            if each.kind is not inspect.Parameter.KEYWORD_ONLY or not _is_id(arguments[each.name]):
                raise TypeError(f"the job {name}: {each.name} must be keyword-only: a UUID, an int or a StrEnum")
        made = Job(name, handler, arguments, retries, timeout_seconds, concurrency, priority, hints[first.name] is Run)
        known = JOBS.setdefault(name, made)
        if (known.handler.__module__, known.handler.__qualname__) != (handler.__module__, handler.__qualname__):
            raise TypeError(f"two jobs are called {name}: {known.handler.__module__} and {handler.__module__}")
        return made

    return declare


def _is_id(kind: object) -> bool:
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return all(len(member.value) <= LONGEST_WORD for member in kind)
    return kind in (UUID, int)


def _read(name: str, kind: type, value: Json) -> object:
    read: Any = parse_id if kind is UUID else kind
    try:
        found = read(value)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise Invalid.field(f"ids.{name}", "unknown", f"is no {kind.__name__}")
    return found
