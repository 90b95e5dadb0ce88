"""``dnnlik validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.common import (
    FILE,
    ProgressBar,
    likelihood_arguments,
    opened_likelihood,
    print_json,
    scan_option,
    validation_summary,
)

from dnnlik.exceptions import BelowThreshold

__all__ = ["command"]


@click.command("validate")
@likelihood_arguments
@click.argument("samples", type=FILE)
@click.argument("surrogate", type=FILE)
@scan_option
@click.option("-o", "--output", type=FILE, default=Path("validation"), show_default=True)
def command(
    likelihood: Path,
    patchset: Path | None,
    patch: str | None,
    measurement: str | None,
    samples: Path,
    surrogate: Path,
    scan: Any,
    output: Path,
) -> None:
    """Compare SURROGATE with LIKELIHOOD on the held-out part of SAMPLES.

    Writes validation.json and figures; exit code 4 if a threshold is missed.
    """
    from dnnlik.sampling import Samples

    opened_samples = Samples.open(samples)
    opened = opened_likelihood(likelihood, patchset, patch, measurement)
    from dnnlik.steps import validate_step

    with ProgressBar() as progress:
        validation = validate_step(
            opened, opened_samples, surrogate, output, scan=scan, progress=progress
        )
    print_json({"validation": str(output / "validation.json"), **validation_summary(validation)})
    if not validation["passed"]:
        missed = ", ".join(c["name"] for c in validation["checks"] if not c["passed"])
        raise BelowThreshold(f"the surrogate misses its thresholds. Received: {missed}")
