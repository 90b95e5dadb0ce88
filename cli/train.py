"""``dnnlik train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import ProgressBar, print_json
from dnnlik.cli.ranges import SEED
from dnnlik.cli.start import start_tensorflow
from dnnlik.cli.training import Training, training_options

from dnnlik.documents import plain

__all__ = ["command"]


@click.command("train")
@click.argument("samples", type=FILE)
@training_options
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Of weights and order of points."
)
@click.option("-o", "--output", type=FILE, default=Path("surrogate.h5"), show_default=True)
def command(samples: Path, seed: int, output: Path, training: Training) -> None:
    """Train a surrogate on SAMPLES (from `dnnlik sample`).

    A killed training goes on after its last epoch. The quadratic baseline alone is
    printed beside the network, on validation points.
    """
    settings = training.settings(seed)
    from dnnlik.sampling import Samples

    opened = Samples.open(samples)
    start_tensorflow()
    from dnnlik.steps import train_step

    with ProgressBar() as progress:
        description = train_step(
            opened, settings, output, workers=training.workers, progress=progress
        )
    print_json({"surrogate": str(output), **plain(_errors(opened, description))})


def _errors(samples: Any, description: Any) -> dict[str, Any]:
    """Spread of the error on the unbiased validation points, with and without network."""
    from dnnlik.surrogate.data import validation_rows
    from dnnlik.surrogate.likelihood import SurrogateLikelihood

    rows = validation_rows(samples)
    result: dict[str, Any] = {
        "networks": len(description.networks),
        "epochs": len(description.history) // len(description.networks),
    }
    if "calibration" in description.provenance:
        result["calibration"] = description.provenance["calibration"]
    for name, network in (("network", True), ("quadratic_alone", False)):
        if not network and description.quadratic is None:
            continue
        surrogate = SurrogateLikelihood(description, with_network=network)
        error = surrogate.log_likelihood(rows.points) - rows.log_likelihood
        result[f"rms_error_{name}"] = float((error**2).mean() ** 0.5)
    return result
