"""What an application says of itself, and how installed ones are found (entry-point group `holdfast.apps`)."""

import importlib
import importlib.metadata
import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import Permission
from holdfast.kernel.schemas import Inward

GROUP = "holdfast.apps"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of the console's navigation: shown to those who hold the permission; `unread` ones with a count."""

    title: str
    path: str
    icon: str
    permission: str | None = None
    order: int = 100
    unread: bool = False


@dataclass(frozen=True, slots=True)
class RecordKind:
    """How pages call the rows of a table: the kind's title, the columns that hold a row's name, its page.

    `user` is a column with a user's id, for rows that are called after their user. `page` has `{id}` in it.
    """

    table: str
    title: str
    names: tuple[str, ...] = ()
    user: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job, by its name, that comes due by the clock: `cron` in the time of `zone`.

    `catch_up` says what becomes of times that passed while nothing ran: one job for all of them, none, or one each.
    With `each_organization` every active organisation has one, else the operators' alone.
    """

    name: str
    job: str
    cron: str
    zone: str = "UTC"
    catch_up: Literal["once", "skip", "all"] = "once"
    each_organization: bool = False


@dataclass(frozen=True, slots=True)
class FileRule:
    """What an app takes as a file: which types by content (media types; none: any), how large, whether it is scanned.

    `max_bytes` None leaves the installation's limit. With `scan="required"` a file is given out only after a scan found
    nothing. Where `strict`, a name whose extension contradicts the content is refused. A `sensitive` file leaves an
    entry for each read. `read` and `write` are permissions that are asked for beside those of files.
    """

    name: str
    title: str
    types: tuple[str, ...] = ()
    max_bytes: int | None = None
    scan: Literal["required", "if_available"] = "if_available"
    strict: bool = True
    sensitive: bool = False
    read: str | None = None
    write: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that people are told: by `work.tell(name, user_ids, …)`, with exactly the texts that `told` names.

    The texts of the message stand in the app's `templates/messages/`. People choose the channels, unless it is `fixed`:
    then it can be neither switched off nor delayed. A `secret` one holds a one-time link: it goes by mail alone and is
    forgotten once sent. `link` is the path of the page that it leads to, with `{names}` of what it is told.
    """

    name: str
    title: str
    told: tuple[str, ...] = ()
    channels: tuple[Literal["inbox", "mail"], ...] = ("inbox", "mail")
    fixed: bool = False
    secret: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class App:
    """The one declaration of a slice or application; data only.

    `package` is the import path that holds `models`, `facts`, `jobs`, `endpoints/`, `pages/`, `templates/`. `mount` is
    the first part of its API path (empty: the root), `pages` the same for its console pages. `preferences` says by name
    what form each choice of a user has, `schedules` which jobs come due by the clock, `file_rules` which files it
    takes, `messages` what people are told. `migrations` is the import path of a package with an Alembic chain of the
    app's own, for apps that are not part of Holdfast. An `optional` app can be switched off by an organisation; a slice
    of the core, on which others stand, says that it is not.
    """

    name: str
    title: str
    package: str
    mount: str
    pages: str | None = None
    permissions: tuple[Permission, ...] = ()
    menu: tuple[MenuItem, ...] = ()
    records: tuple[RecordKind, ...] = ()
    preferences: Mapping[str, type[Inward]] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    file_rules: tuple[FileRule, ...] = ()
    messages: tuple[Message, ...] = ()
    migrations: str | None = None
    optional: bool = True
    order: int = 100


def installed_apps() -> tuple[App, ...]:
    """Return every app that an installed distribution declares, in a fixed order.

    Raises ConfigurationError for one that cannot be loaded, is no `App`, or shares its name with another.
    """
    found: list[App] = []
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            loaded: Any = point.load()
        except Exception as error:
            raise ConfigurationError(f"The app {point.name!r} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(loaded, App):
            raise ConfigurationError(f"The entry point {point.name!r} ({point.value}) is not an App.")
        found.append(loaded)
    return ordered(found)


def ordered(apps: Iterable[App]) -> tuple[App, ...]:
    """Return the apps sorted by `order` and name; raise ConfigurationError where two share a name or a permission."""
    result = tuple(sorted(apps, key=lambda app: (app.order, app.name)))
    for what, names in (
        ("name", [app.name for app in result]),
        ("permission", [permission.name for app in result for permission in app.permissions]),
        ("preference", [name for app in result for name in app.preferences]),
        ("schedule", [each.name for app in result for each in app.schedules]),
        ("file rule", [rule.name for app in result for rule in app.file_rules]),
        ("message", [each.name for app in result for each in app.messages]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigurationError(f"Two apps share the {what} {', '.join(twice)}.")
    return result


def load_jobs(apps: Iterable[App]) -> None:
    """Import `jobs.py` of every app and of the slices directly below it, so that the jobs are known.

    Raises ConfigurationError for one that cannot be imported, or whose job has another's name.
    """
    for app in apps:
        root = importlib.resources.files(app.package)
        slices = [each for each in root.iterdir() if each.is_dir() and (each / "jobs.py").is_file()]
        names = [f".{each.name}" for each in slices] + [""] * (root / "jobs.py").is_file()
        for name in sorted(names):
            module = f"{app.package}{name}.jobs"
            try:
                importlib.import_module(module)
            except Exception as error:
                raise ConfigurationError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
