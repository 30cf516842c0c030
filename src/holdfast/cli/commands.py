"""All commands, one file a noun; an error is one line on standard error and a non-zero exit."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from pydantic import ValidationError

from holdfast.cli import (
    admin,
    api,
    audit,
    doctor,
    jobs,
    keys,
    migrate,
    notices,
    organizations,
    people,
    serve,
    settings,
    slices,
    users,
    worker,
)
from holdfast.cli.terminal import trouble_of

app = typer.Typer(
    name="holdfast",
    help="Run and look after an installation of Holdfast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(worker.worker)
app.command()(migrate.migrate)
app.command()(admin.create_admin)
app.command()(doctor.doctor)
app.command("settings")(settings.show_settings)
app.command()(api.routes)
app.command()(api.openapi)
app.add_typer(people.app, name="people")
app.add_typer(users.app, name="users")
app.add_typer(notices.app, name="notices")
app.add_typer(keys.app, name="keys")
app.add_typer(organizations.app, name="organizations")
app.add_typer(slices.app, name="slice")
app.add_typer(audit.app, name="audit")
app.add_typer(jobs.app, name="jobs")


def run(arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        result = app(args=arguments, prog_name="holdfast", standalone_mode=False)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; Python would complain while it ends
        return 1
    except Exception as error:  # noqa: BLE001 - a person at a terminal is owed a line, not a traceback
        message, code = _explained(error)
        if message:  # help that was shown for want of a command has none
            sys.stderr.write(f"holdfast: {' '.join(message.split())}\n")
        return code
    return result if isinstance(result, int) else 0


def _explained(error: Exception) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code."""
    match error:
        case typer.Abort():
            return "interrupted", 130
        case typer.TyperException():
            return str(getattr(error, "format_message", error.__str__)()), 2
        case ValidationError():
            return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()), 1
        case OSError(filename=str() | Path() as name):
            return f"{name}: {error.strerror}", 1
    return trouble_of(error) or f"{type(error).__name__}: {error}", 1
