"""``dnnlik combine``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import print_json
from dnnlik.cli.start import start_tensorflow

__all__ = ["command"]


def _renames(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> list[tuple[int, str, str]]:
    """``"1:mu_SIG=mu"`` → (1, "mu_SIG", "mu")."""
    found: list[tuple[int, str, str]] = []
    for text in texts:
        number, _, names = text.partition(":")
        old, equals, new = names.partition("=")
        if not (number.isdigit() and int(number) and old and equals and new):
            raise click.BadParameter(f"expected NUMBER:OLD=NEW, e.g. 1:mu_SIG=mu. Received: {text}")
        if (int(number), old) in [before[:2] for before in found]:
            raise click.BadParameter(f"a parameter gets one new name. Received: {text} as well")
        found.append((int(number), old, new))
    return found


@click.command("combine")
@click.argument("members", type=FILE, nargs=-1, required=True)
@click.option(
    "--rename",
    "renames",
    multiple=True,
    callback=_renames,
    help="NUMBER:OLD=NEW, members counted from 1, e.g. 1:mu_SIG=mu; repeat for more.",
)
@click.option(
    "--shared",
    multiple=True,
    help="A name that is one parameter wherever it occurs; repeat for more. Others then get "
    "the number of their member before them.  [default: all]",
)
@click.option("--poi", multiple=True, help="Parameter of interest.  [default: as in the members]")
@click.option("--prior", type=FILE, help="Other priors: JSON by name (docs/formats.md).")
@click.option("--constraint", type=FILE, help="Other auxiliary measurements: JSON by name.")
@click.option("-o", "--output", type=FILE, default=Path("combination.json"), show_default=True)
def command(
    members: tuple[Path, ...],
    renames: list[tuple[int, str, str]],
    shared: tuple[str, ...],
    poi: tuple[str, ...],
    prior: Path | None,
    constraint: Path | None,
    output: Path,
) -> None:
    """Put MEMBERS (.json, .py, bundle folders or .zip, .onnx) together by the names of parameters.

    Parameters of one name are one parameter, and named on stderr. Main terms add up, a
    constraint that several have counts once. The file names its members and is opened by fit,
    scan, limit, sample and inspect like any likelihood. One member alone with --prior or
    --constraint is that likelihood with other terms.
    """
    from dnnlik.combination import write_combination
    from dnnlik.combination.document import is_published
    from dnnlik.combination.terms import constraints_from_json, priors_from_json
    from dnnlik.documents import read_json

    rename: list[dict[str, str]] = [{} for _ in members]
    for number, old, new in renames:
        if number > len(members):
            raise click.UsageError(f"--rename {number}:... but there are {len(members)} members.")
        rename[number - 1][old] = new
    if not all(is_published(member) for member in members if member.exists()):
        start_tensorflow()
    # What a user's file prints is not a result.
    with redirect_stdout(sys.stderr):
        combined = write_combination(
            output,
            members,
            rename=rename,
            shared=shared or None,
            poi=poi or None,
            priors=priors_from_json(read_json(prior)) if prior else None,
            constraints=constraints_from_json(read_json(constraint)) if constraint else None,
        )
    made = summary(combined)
    if len(members) > 1:
        # Names alone decide: nobody should share a parameter by accident.
        click.echo(f"shared by name: {', '.join(made['shared']) or 'none'}", err=True)
    print_json({"combination": str(output), **made})


def summary(combined: Any) -> dict[str, Any]:
    """What a combination is made of, for people."""
    everything = [name for names in combined.names for name in names]
    return {
        "digest": combined.digest,
        "members": [len(names) for names in combined.names],
        "parameters": len(combined.parameters),
        "shared": [n for n in combined.parameters.names if everything.count(n) > 1],
        "poi": list(combined.parameters.poi_names),
    }
