"""``dnnlik sample``."""

from __future__ import annotations

from pathlib import Path

import click
from dnnlik.cli.options import (
    FILE,
    Sampling,
    gradients_option,
    likelihood_arguments,
    sampling_options,
)
from dnnlik.cli.output import ProgressBar, print_advice, print_json
from dnnlik.cli.start import Source, opened_likelihood

from dnnlik.documents import plain

__all__ = ["command"]


@click.command("sample")
@likelihood_arguments
@sampling_options
@gradients_option
@click.option("-o", "--output", type=FILE, default=Path("samples.h5"), show_default=True)
def command(
    likelihood: Source,
    sampling: Sampling,
    gradients: bool,
    output: Path,
) -> None:
    """Sample LIKELIHOOD (a pyhf workspace .json, or a .py) into an HDF5 file.

    An unfinished file is continued; a finished one is left as it is.
    """
    opened = opened_likelihood(likelihood)
    from dnnlik.sampling import sample

    if not output.exists():
        print_advice(opened, sampling)

    with ProgressBar() as progress:
        samples = sample(opened, output, **vars(sampling), gradients=gradients, progress=progress)
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
