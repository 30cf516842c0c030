"""`holdfast slice`: a new slice in the shape that all of them have."""

import importlib.resources
import keyword
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from holdfast.cli.terminal import say
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.plugins import installed_apps

app = typer.Typer(no_args_is_help=True)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TITLE = re.compile(r"[^\"'\\$\x00-\x1f\x7f]{1,80}")
# Their class names are imported by the files of every slice.
_USED = frozenset({"work", "app", "base", "fact", "page", "str", "tracked", "response", "routes", "permission"})
LONGEST = 20  # the servers allow 63 characters for the name of a constraint
_REVISION = re.compile(r"^revision = [\"'](\d+)[\"']", re.MULTILINE)
_ENTRY_POINTS = '[project.entry-points."holdfast.apps"]\n'


@app.callback()
def group() -> None:
    """Write slices."""


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the slice, such as visitors.")],
    *,
    entity: Annotated[str, typer.Option(help="What it keeps, in the singular, such as visit.")] = "item",
    title: Annotated[str | None, typer.Option(help="Name shown to people.")] = None,
) -> None:
    """Write an application with one table, its verbs, endpoints, migration and passing tests.

    Example: holdfast slice new visitors --entity visit
    """
    root = _checkout()
    _refuse_bad(root, name, entity, title or name)
    words = _words(root, name, entity, title or name.replace("_", " ").capitalize())
    files = dict(_files(words))
    taken = [path for path in files if (root / path).exists()]
    if taken:
        raise ConfigurationError(f"{taken[0]} exists already.")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        say(path)
    _declare(root, name)
    say("pyproject.toml")
    say("Next: make routes reference check")


def _checkout() -> Path:
    """Return the checkout around the current folder; raise ConfigurationError outside of one."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        file = folder / "pyproject.toml"
        if file.exists() and _ENTRY_POINTS in file.read_text() and (folder / "src/holdfast/apps").is_dir():
            return folder
    raise ConfigurationError("slice new writes into a checkout of Holdfast, and this folder is in none.")


def _refuse_bad(root: Path, name: str, entity: str, title: str) -> None:
    for what, value in (("NAME", name), ("--entity", entity)):
        if not _NAME.fullmatch(value) or keyword.iskeyword(value):
            raise ConfigurationError(f"{what} {value!r} must be small letters, digits and underscores, and no keyword.")
        if len(value) > LONGEST:
            raise ConfigurationError(f"{what} {value!r} is longer than {LONGEST} characters.")
    if entity in _USED:
        raise ConfigurationError(f"--entity {entity!r} is the name of something that every slice uses.")
    # Its errors, tests and path parameter bear the entity's name alone.
    if any((root / "src/holdfast").glob(f"*/*/endpoints/**/by_{entity}_id*")):
        raise ConfigurationError(f"--entity {entity!r} is kept by another slice.")
    if not _TITLE.fullmatch(title):
        raise ConfigurationError("--title must have 1 to 80 characters, without quotes, backslashes or dollar signs.")
    taken = {word for each in installed_apps() for word in (each.name, each.mount)}
    if name in taken or name.replace("_", "-") in taken or (root / "src/holdfast/apps" / name).exists():
        raise ConfigurationError(f"There is an app {name} already.")


def _words(root: Path, name: str, entity: str, title: str) -> dict[str, str]:
    versions = (root / "src/holdfast/migrations/versions").glob("*.py")
    last = max(int(found[1]) for file in versions if (found := _REVISION.search(file.read_text())))
    entities = f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"
    return {
        "name": name,
        "title": title,
        "mount": name.replace("_", "-"),
        "path": entities.replace("_", "-"),
        "entity": entity,
        "entities": entities,
        "Entity": "".join(part.capitalize() for part in entity.split("_")),
        "Title": entity.replace("_", " ").capitalize(),
        "ENTITY": entity.upper(),
        "ENTITIES": entities.upper(),
        "table": f"{name}_{entity}",
        "revision": f"{last + 1:04}",
        "down": f"{last:04}",
    }


def _files(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield path and text of every file, from the templates beside this module."""
    homes = {"tests": f"tests/apps/{words['name']}", "": f"src/holdfast/apps/{words['name']}"}
    for path, text in _templates(importlib.resources.files("holdfast.cli") / "slice_files", ""):
        named = path.removesuffix(".txt").replace("ENTITIES", words["entities"]).replace("ENTITY", words["entity"])
        if named == "migration.py":
            target = f"src/holdfast/migrations/versions/{words['revision']}_{words['name']}.py"
        elif named.startswith("tests/"):
            target = f"{homes['tests']}/{named.removeprefix('tests/')}"
        else:
            target = f"{homes['']}/{named}"
        yield target, Template(text).substitute(words)


def _templates(folder: Traversable, lead: str) -> Iterator[tuple[str, str]]:
    for each in sorted(folder.iterdir(), key=lambda item: item.name):
        if each.is_dir():
            yield from _templates(each, f"{lead}{each.name}/")
        elif each.name.endswith(".txt"):
            yield f"{lead}{each.name}", each.read_text()


def _declare(root: Path, name: str) -> None:
    file = root / "pyproject.toml"
    line = f'{name} = "holdfast.apps.{name}.app:APP"\n'
    file.write_text(file.read_text().replace(_ENTRY_POINTS, _ENTRY_POINTS + line, 1))
