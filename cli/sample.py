"""``dnnlik sample``."""

from __future__ import annotations

from pathlib import Path

import click
from dnnlik.cli.common import (
    FILE,
    ProgressBar,
    gradients_option,
    likelihood_arguments,
    opened_likelihood,
    print_advice,
    print_json,
    sampler_option,
    sampling_options,
)

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
            seed=seed,
            gradients=gradients,
            progress=progress,
        )
    print_json(
        {
            "samples": str(output),
            "points": len(samples),
            "unbiased": int(samples.unbiased.sum()),
            "parameters": len(samples.parameters),
            **{k: v for k, v in samples.diagnostics.items() if k != "chains"},
        }
    )
