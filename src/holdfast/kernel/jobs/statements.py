"""Every statement on jobs and schedules: written once as Core, compiled once a dialect, run on the driver."""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Dialect,
    Integer,
    Interval,
    Select,
    UpdateBase,
    Uuid,
    and_,
    bindparam,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from holdfast.kernel.clock import Clock
from holdfast.kernel.engines import Link
from holdfast.kernel.jobs.tables import JOB, SCHEDULE, JobState
from holdfast.kernel.lists.statements import Plan, compile_select

GATE = "jobs.gate"
_MOMENT = JOB.c.run_at.type
Statement = Select[Any] | UpdateBase
Maker = Callable[..., Statement]
_CLAIMED = [
    JOB.c[name]
    for name in (
        *("id", "tenant_id", "name", "ids", "asked_by", "session_id", "run_at", "attempts", "failures", "crashes"),
        *("lease_token", "progress_done", "progress_total", "unique_key"),
    )
]


async def run(link: Link, make: Maker, values: Mapping[str, Any], *sizes: int) -> int:
    """Run a statement that changes rows and return how many."""
    plan, _ = _compiled(make, link.dialect, link.sql_dialect, sizes)
    return await link.execute(plan.sql, plan.bind(_prefixed(values)))


async def fetch(link: Link, make: Maker, values: Mapping[str, Any], *sizes: int) -> list[tuple[Any, ...]]:
    """Run a select and return its rows, values as in Python."""
    plan, readers = _compiled(make, link.dialect, link.sql_dialect, sizes)
    return [
        tuple(value if read is None else read(value) for read, value in zip(readers, row, strict=True))
        for row in await link.fetch(plan.sql, plan.bind(_prefixed(values)))
    ]


async def database_now(link: Link, clock: Clock) -> datetime:
    """Return the time by which leases and due times go: the server's; on SQLite the clock's."""
    if link.dialect == "sqlite":
        return clock()
    moment: datetime = (await link.fetch(f"SELECT {_NOW[link.dialect]}"))[0][0]
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _prefixed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under the names of `_bound`, which no column has: SQLAlchemy keeps those for itself."""
    return {f"b_{name}": value for name, value in values.items()}


@functools.lru_cache(maxsize=256)
def _compiled(make: Maker, name: str, dialect: Dialect, sizes: tuple[int, ...]) -> tuple[Plan, Sequence[Any]]:
    statement = make(name, *sizes)
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return compile_select(statement, dialect), readers


def _bound(name: str, kind: Any = None) -> Any:
    return bindparam(f"b_{name}", type_=JOB.c[name].type if kind is None else kind)


_NOW = {"postgresql": "clock_timestamp()", "mysql": "utc_timestamp(6)"}


def _soon(dialect: str) -> Any:
    """Return the moment `delay` from now, by the clock that `database_now` reads."""
    if dialect == "postgresql":
        return func.clock_timestamp() + _bound("delay", Interval())
    if dialect == "mysql":
        now: Any = literal_column(_NOW[dialect])
        return func.timestampadd(literal_column("MICROSECOND"), _bound("delay", Integer()), now)
    return _bound("delay", _MOMENT)


def soon(dialect: str, clock: Clock, delay: timedelta) -> object:
    """Return what stands for a delay in the statement that enqueues."""
    if dialect == "postgresql":
        return delay
    return int(delay / timedelta(microseconds=1)) if dialect == "mysql" else clock() + delay


# ── enqueuing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _row(dialect: str) -> dict[str, Any]:
    given = ("id", "tenant_id", "name", "ids", "priority", "asked_by", "session_id", "unique_key", "created_at")
    fixed = {"state": JobState.READY, "attempts": 0, "failures": 0, "crashes": 0, "cancel_asked": False}
    return {name: _bound(name) for name in given} | fixed | {"run_at": _soon(dialect)}


def enqueue(dialect: str) -> Statement:
    """Insert a job that is ready."""
    return insert(JOB).values(**_row(dialect))


def enqueue_unless_there(dialect: str) -> Statement:
    """Insert a job unless one with its unique key waits; on MySQL the row that is there is locked by that."""
    made: Any = _INSERT[dialect](JOB).values(**_row(dialect))
    return _unless_there(made, dialect, id=JOB.c.id)


_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert, "mysql": mysql.insert}


def waiting(_: str) -> Statement:
    """Lock the waiting job with a unique key: it does not start before what asked for it again is committed."""
    same = (JOB.c.tenant_id == _bound("tenant_id"), JOB.c.unique_key == _bound("unique_key"))
    return select(JOB.c.id).where(*same).with_for_update()


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def peek(_: str) -> Statement:
    """Look whether a job is due, without a lock; which has waited longest among those that go first."""
    due = (JOB.c.state == JobState.READY, JOB.c.run_at <= _bound("now", _MOMENT))
    return select(JOB.c.run_at).where(*due).order_by(JOB.c.priority, JOB.c.run_at, JOB.c.id).limit(literal_column("1"))


def oldest(_: str) -> Statement:
    """Look which job of a priority has been due longest, or is due next."""
    ready = (JOB.c.state == JobState.READY, JOB.c.priority == _bound("priority"))
    return select(JOB.c.run_at).where(*ready).order_by(JOB.c.run_at, JOB.c.id).limit(literal_column("1"))


def gate(_: str) -> Statement:
    """Lock the gate: one worker chooses at a time, so that counts of what runs are exact."""
    return select(SCHEDULE.c.name).where(SCHEDULE.c.name == GATE).with_for_update()


def running(_: str) -> Statement:
    """Count what runs by tenant and job."""
    by = (JOB.c.tenant_id, JOB.c.name)
    return select(*by, func.count().label("running")).where(JOB.c.state == JobState.RUNNING).group_by(*by)


def candidates(_: str) -> Statement:
    """Lock the jobs of a priority that go first."""
    return _due().order_by(JOB.c.run_at, JOB.c.id).limit(_bound("limit", Integer()))


def lane(_: str) -> Statement:
    """Lock what goes first of a tenant's next kind of job that has something due."""
    later = (JOB.c.tenant_id == _bound("tenant_id"), JOB.c.name > _bound("name"))
    return _due().where(*later).order_by(JOB.c.name, JOB.c.run_at, JOB.c.id).limit(literal_column("1"))


def lane_beyond(_: str) -> Statement:
    """Lock what goes first of the next tenant that has something due."""
    order = (JOB.c.tenant_id, JOB.c.name, JOB.c.run_at, JOB.c.id)
    return _due().where(JOB.c.tenant_id > _bound("tenant_id")).order_by(*order).limit(literal_column("1"))


def _due() -> Select[Any]:
    waits = JOB.c.state == literal_column("'ready'")  # written out: else an index of such rows alone is not used
    due = (waits, JOB.c.priority == _bound("priority"), JOB.c.run_at <= _bound("now", _MOMENT))
    return select(*_CLAIMED).where(*due).with_for_update(skip_locked=True)


def start(_: str, count: int, unique: int) -> Statement:
    """Give jobs to a worker, with a fence of this attempt; `unique` says that some of them make room for another."""
    chosen = JOB.c.id.in_([_bound(f"id{at}", Uuid()) for at in range(count)])
    given = {name: _bound(name) for name in ("worker_id", "lease_token", "lease_until", "started_at")}
    freed = {"unique_key": None} if unique else {}  # else its index, too, would be written for nothing
    return update(JOB).where(chosen).values(state=JobState.RUNNING, attempts=JOB.c.attempts + 1, **given, **freed)


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_HELD = and_(JOB.c.id == _bound("job", Uuid()), JOB.c.lease_token == _bound("token", Uuid()))


def beat(_: str, count: int) -> Statement:
    """Make the leases of what a worker runs last longer."""
    return update(JOB).where(*_mine(count)).values(lease_until=_bound("until", _MOMENT))


def unwanted(_: str, count: int) -> Statement:
    """Find what a worker runs and a person asked to cancel."""
    return select(JOB.c.id).where(*_mine(count), JOB.c.cancel_asked == true())


def _mine(count: int) -> tuple[Any, ...]:
    chosen = JOB.c.id.in_([_bound(f"id{at}", Uuid()) for at in range(count)])
    return chosen, JOB.c.worker_id == _bound("worker", Uuid()), JOB.c.state == JobState.RUNNING


def hold(_: str) -> Statement:
    """Write how far a job got, in the commit of what it did so far; no row where it belongs to another by now."""
    told = {name: _bound(name) for name in ("progress_done", "progress_total")}
    return update(JOB).where(_HELD).values(lease_until=_bound("until", _MOMENT), **told)


def finish(_: str) -> Statement:
    """Say that a job is done, in the commit of what it did; no row where it belongs to another or is not wanted."""
    return update(JOB).where(_HELD, JOB.c.cancel_asked == false()).values(state=JobState.DONE, **_ended())


def end(_: str, crashed: int) -> Statement:
    """Set what becomes of a job that is not done; no row where it belongs to another by now, or has not `crashed`."""
    changed = ("state", "run_at", "failures", "crashes", "cancel_asked")
    values = {name: _bound(name) for name in changed}
    late = [JOB.c.lease_until < _bound("now", _MOMENT)] if crashed else []
    return update(JOB).where(_HELD, *late).values(**values, **_ended())


def _ended() -> dict[str, Any]:
    return {"lease_token": None, "lease_until": None, "worker_id": None, "finished_at": _bound("finished_at")}


def asked(_: str) -> Statement:
    """Lock a job that is still one's own, and read whether a person asked to cancel it."""
    return select(JOB.c.cancel_asked).where(_HELD).with_for_update()


def lost(_: str) -> Statement:
    """Find jobs whose worker has not been heard of."""
    late = (JOB.c.state == JobState.RUNNING, JOB.c.lease_until < _bound("now", _MOMENT))
    return select(*_CLAIMED).where(*late).order_by(JOB.c.lease_until).limit(literal_column("20"))


def backlog(_: str) -> Statement:
    """Count jobs that wait, run or have failed."""
    told = or_(*(JOB.c.state == each for each in (JobState.READY, JobState.RUNNING, JobState.FAILED)))
    return select(JOB.c.state, func.count().label("count")).where(told).group_by(JOB.c.state)


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_schedule(dialect: str) -> Statement:
    """Insert a schedule unless it is there."""
    given = {name: _bound(name, SCHEDULE.c[name].type) for name in ("name", "spec", "next_at")}
    made: Any = _INSERT[dialect](SCHEDULE).values(**given)
    return _unless_there(made, dialect, name=SCHEDULE.c.name)


def _unless_there(made: Any, dialect: str, **same: Any) -> Statement:
    found: Statement = made.on_duplicate_key_update(**same) if dialect == "mysql" else made.on_conflict_do_nothing()
    return found


def schedule(_: str) -> Statement:
    """Lock a schedule, unless another worker has it in hand."""
    columns = (SCHEDULE.c.spec, SCHEDULE.c.next_at)
    return (
        select(*columns)
        .where(SCHEDULE.c.name == _bound("name", SCHEDULE.c.name.type))
        .with_for_update(skip_locked=True)
    )


def set_schedule(_: str) -> Statement:
    """Set when a schedule is due next."""
    given = {each: _bound(each, SCHEDULE.c[each].type) for each in ("spec", "next_at", "last_at")}
    return update(SCHEDULE).where(SCHEDULE.c.name == _bound("name", SCHEDULE.c.name.type)).values(**given)
