"""``dnnlik sample``."""

from __future__ import annotations

from pathlib import Path

import click
from dnnlik.cli.options import (
    FILE,
    gradients_option,
    likelihood_arguments,
    sampler_option,
    sampling_options,
)
from dnnlik.cli.output import ProgressBar, print_advice, print_json
from dnnlik.cli.start import opened_likelihood

from dnnlik.documents import plain

__all__ = ["command"]


@click.command("sample")
@likelihood_arguments
@sampling_options
@sampler_option
@gradients_option
@click.option("-o", "--output", type=FILE, default=Path("samples.h5"), show_default=True)
def command(
    likelihood: Path,
    patchset: Path | None,
    patch: str | None,
    measurement: str | None,
    points: int,
    strategy: str,
    mix: dict[str, float] | None,
    thin: int,
    seed: int,
    sampler: str,
    gradients: bool,
    output: Path,
) -> None:
    """Sample LIKELIHOOD (a pyhf workspace .json, or a .py) into an HDF5 file.

    An unfinished file is continued; a finished one is left as it is.
    """
    opened = opened_likelihood(likelihood, patchset, patch, measurement)
    from dnnlik.sampling import sample

    if not output.exists():
        print_advice(opened, points, sampler)

    with ProgressBar() as progress:
        samples = sample(
            opened,
            output,
            strategy=mix or strategy,
            sampler=sampler,
            points=points,
            thin=thin,
            seed=seed,
            gradients=gradients,
            progress=progress,
        )
    said = {k: v for k, v in samples.diagnostics.items() if k != "chains"}
    print_json(
        {
            "samples": str(output),
            "points": len(samples),
            "unbiased": int(samples.unbiased.sum()),
            "parameters": len(samples.parameters),
            **plain(said),  # a parameter that never moved has no R-hat
        }
    )
