"""``dnnlik bundle exact``."""

from __future__ import annotations

from pathlib import Path

import click
from dnnlik.cli.options import FILE, likelihood_arguments
from dnnlik.cli.output import ProgressBar, print_json
from dnnlik.cli.publishing import (
    Publishing,
    check_payload,
    payload_option,
    publishing_options,
    warn_without_date,
    write_payload,
)
from dnnlik.cli.ranges import SEED
from dnnlik.cli.start import Source, start_tensorflow

__all__ = ["command"]


@click.command("exact")
@likelihood_arguments
@publishing_options
@payload_option
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the points to verify at.")
@click.option("-o", "--output", type=FILE, default=Path("bundle"), show_default=True)
def command(
    likelihood: Source, publishing: Publishing, payload: Path | None, seed: int, output: Path
) -> None:
    """Publish the workspace LIKELIHOOD (.json) itself as ONNX, without samples or training.

    The graph is the closed form, float64, with its gradient: the same inputs and outputs as a
    surrogate. It is compared with pyhf before it is written. Exit code 4 if they differ.
    """
    check_payload(payload, publishing)
    publication = publishing.publication(likelihood.name, "Exact")
    start_tensorflow()
    from dnnlik.bundle.exact import DESCRIPTION
    from dnnlik.exact import publish_exact

    with ProgressBar() as progress:
        made = publish_exact(
            likelihood.path,
            output,
            patchset=likelihood.patchset,
            patch=likelihood.patch,
            measurement=likelihood.measurement,
            publication=publication,
            seed=seed,
            progress=progress,
        )
    for name, reason in made.without_asimov_curve.items():
        click.echo(f"limits on {name} will be Wald's approximation: {reason}", err=True)
    write_payload(payload, publication.described(DESCRIPTION))
    warn_without_date(publishing)
    checks = {check.name: check.difference for check in made.verification.checks}
    print_json(
        {
            "bundle": str(made.folder),
            "kind": "exact",
            "likelihood": made.likelihood,
            "parameters": made.parameters,
            "points": made.verification.points,
            "largest_differences": checks,
        }
    )
