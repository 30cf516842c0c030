"""All commands, one file a noun; an error is one line on standard error and a non-zero exit."""

import sys
from collections.abc import Sequence

import typer

from holdfast.cli import (
    admin,
    api,
    audit,
    bounces,
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
from holdfast.cli.terminal import complain

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
app.add_typer(bounces.app, name="bounces")
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
        return complain(error)
    return result if isinstance(result, int) else 0
