"""The command `holdfast`."""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 refused or failed, 2 not understood, 130 interrupted."""
    try:
        # lint: allow inner-import – it takes a second or two, in which Ctrl-C is to be as quiet as later
        from holdfast.cli.commands import run  # noqa: PLC0415

        return run(arguments)
    except KeyboardInterrupt:
        return 130
