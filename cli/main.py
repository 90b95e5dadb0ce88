"""The group of all commands."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any

import click

from dnnlik import __version__
from dnnlik.exceptions import DnnlikError

__all__ = ["main"]

_COMMANDS = (
    "sample",
    "train",
    "search",
    "validate",
    "export",
    "bundle",
    "inspect",
    "run",
    "fit",
    "scan",
    "limit",
    "combine",
    "reweight",
    "optimise",
    "environment",
)


class _Commands(click.Group):
    """Imports a command when it is asked for, and turns errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"dnnlik.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        warnings.showwarning = _show_warning
        try:
            return super().invoke(ctx)
        except DnnlikError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo(
                "Interrupted; sample, train, search, run and optimise go on when given again.",
                err=True,
            )
            sys.exit(130)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """A line for people, without the place in the source."""
    click.echo(f"Warning: {message}", err=True)


def _cite(ctx: click.Context) -> None:
    from dnnlik.citation import bibtex

    click.echo(bibtex())
    ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dnnlik")
@click.option(
    "--cite",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, asked: _cite(ctx) if asked else None,
    help="Show what to cite, as BibTeX, and exit.",
)
def main() -> None:
    """Likelihoods that travel: sample, learn, prove, publish."""
