"""`holdfast settings`: every setting, its value and where it came from."""

from typing import Annotated

import typer

from holdfast.cli.terminal import say, show
from holdfast.kernel.settings import SettingLine, Settings, explain, refusals


def show_settings(
    *,
    example: Annotated[bool, typer.Option("--example", help="Write .env.example instead.")] = False,
) -> None:
    """Show every setting, its value and where it came from; secrets are masked.

    Example: holdfast settings
    """
    if example:
        say(env_example().rstrip("\n"))
        return
    settings = Settings()
    show(
        ("SETTING", "VALUE", "FROM", "MEANING"),
        [(line.name, line.value_masked, line.source, line.description) for line in explain(settings)],
    )
    for refusal in refusals(settings):
        say(f"refused: {refusal}")


def env_example() -> str:
    """Return the text of `.env.example`: every setting with its default, none of them set."""
    head = (
        "# Settings of Holdfast. Copy to .env and take the mark away before what you set.\n"
        "# Each is read as HOLDFAST_X, then as X; the environment goes before this file.\n"
        "# `holdfast settings` shows what is in force and where it came from.\n"
    )
    return head + "".join(_entry(line) for line in explain())


def _entry(line: SettingLine) -> str:
    return f"\n# {line.description}\n# {line.name}={line.default}\n"
