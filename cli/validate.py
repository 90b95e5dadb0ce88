"""``dnnlik validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE, likelihood_arguments, validation_options
from dnnlik.cli.output import ProgressBar, print_json, validation_summary
from dnnlik.cli.start import Source, opened_likelihood

from dnnlik.exceptions import BelowThreshold

__all__ = ["command"]


@click.command("validate")
@likelihood_arguments
@click.argument("samples", type=FILE)
@click.argument("surrogate", type=FILE)
@validation_options
@click.option("-o", "--output", type=FILE, default=Path("validation"), show_default=True)
def command(
    likelihood: Source,
    samples: Path,
    surrogate: Path,
    request: Any,
    output: Path,
) -> None:
    """Compare SURROGATE with LIKELIHOOD on the held-out part of SAMPLES.

    Writes report.html, validation.json and figures; exit code 4 if a threshold is missed.
    """
    from dnnlik.sampling import Samples

    opened_samples = Samples.open(samples)
    opened = opened_likelihood(likelihood)
    from dnnlik.steps import validate_step

    with ProgressBar() as progress:
        validation = validate_step(
            opened,
            opened_samples,
            surrogate,
            output,
            request=request,
            title=f"Validation: a surrogate of {likelihood.path.name}",
            progress=progress,
        )
    files = {"validation": str(output / "validation.json"), "report": str(output / "report.html")}
    print_json({**files, **validation_summary(validation)})
    if not validation["passed"]:
        missed = ", ".join(c["name"] for c in validation["checks"] if c["passed"] is False)
        raise BelowThreshold(f"the surrogate misses its thresholds. Received: {missed}")
